//! Dispatch of routed requests: body and query → typed operation → reply.

use bytes::Bytes;
use serde_json::{Value, json};

use super::query::Query;
use super::render::Renderer;
use super::request_info::Verb;
use super::response::Reply;
use crate::error::ApiError;
use crate::kinds::schemas::BuiltinSchemas;
use crate::object::apply::configuration::ApplyConfiguration;
use crate::object::decode::body::media;
use crate::object::decode::delete_options;
use crate::object::patch::document::Patch;
use crate::object::patch::outcome::FieldValidation;
use crate::verbs::delete::DeleteOutcome;
use crate::verbs::options::{DeleteOptions, ListOptions, WriteOptions};
use crate::verbs::outcome::Written;
use crate::verbs::scope::RequestScope;
use crate::verbs::selection::Selection;
use crate::verbs::subresource::{binding, eviction, finalize, log, scale};
use crate::verbs::update::{Part, Proposed};
use crate::verbs::{apply, create, delete, delete_collection, get, list, patch, review, update, watch};

/// Media type of server-side apply patches.
const APPLY: &str = "application/apply-patch+yaml";

/// The unparsed parts of a request.
pub(crate) struct RawRequest {
    pub(crate) query: Query,
    pub(crate) content_type: String,
    pub(crate) user_agent: String,
    pub(crate) body: Bytes,
}

impl RawRequest {
    fn write_options(&self, kind: &str) -> Result<WriteOptions, ApiError> {
        WriteOptions::parse(&self.query, kind, &self.user_agent)
    }

    /// The media type of a patch without parameters.
    fn patch_type(&self) -> &str {
        self.content_type.split(';').next().unwrap_or_default()
    }

    fn delete_options(&self) -> Result<DeleteOptions, ApiError> {
        if self.body.is_empty() {
            return DeleteOptions::parse(&self.query, None);
        }
        let media = media(Some(&self.content_type))?;
        let body = delete_options::read(&self.body, media, &BuiltinSchemas).map_err(ApiError::bad_request)?;
        DeleteOptions::parse(&self.query, Some(&body))
    }

    fn object(&self, scope: &RequestScope, validation: FieldValidation) -> Result<Value, ApiError> {
        let media = media(Some(&self.content_type))?;
        scope.decode(validation, |decoder| decoder.body(&self.body, media))
    }

    fn object_as(
        &self,
        scope: &RequestScope,
        kind: (&str, &str),
        validation: FieldValidation,
    ) -> Result<Value, ApiError> {
        let media = media(Some(&self.content_type))?;
        scope.decode_as(kind, validation, |decoder| decoder.body(&self.body, media))
    }
}

/// Runs a verb on the main resource.
pub(crate) async fn resource(
    scope: &mut RequestScope,
    verb: Verb,
    input: &RawRequest,
    renderer: &Renderer,
) -> Result<Reply, ApiError> {
    check_verb(&scope.resource.verbs, verb)?;
    if scope.resource.is_virtual() {
        review::check_modelled(scope, verb.name())?;
        let options = input.write_options("CreateOptions")?;
        let object = input.object(scope, options.field_validation)?;
        return Ok(Reply::value(201, &review::review(scope, object, &options)?));
    }
    if scope.resource.namespaced && scope.namespace.is_empty() && verb == Verb::Create {
        return Err(ApiError::unsupported_method());
    }
    match verb {
        Verb::Get => get_object(scope, input, renderer).await,
        Verb::List => {
            let options = ListOptions::parse(&input.query, false)?;
            let resource = &scope.resource;
            let selection = Selection::parse(resource, &options.label_selector, &options.field_selector)?;
            renderer.list(&list::list(scope, &options, &selection).await?)
        }
        Verb::Create => {
            let options = input.write_options("CreateOptions")?;
            let object = input.object(scope, options.field_validation)?;
            let created = create::create(scope, Proposed::Object(object), &options).await?;
            renderer.object(201, &created)
        }
        Verb::Update => update_object(scope, Part::Main, input, renderer).await,
        Verb::Patch => patch_object(scope, Part::Main, input, renderer).await,
        Verb::Delete => delete_object(scope, input, renderer).await,
        Verb::DeleteCollection => {
            let listing = ListOptions::parse(&input.query, false)?;
            let options = input.delete_options()?;
            renderer.list(&delete_collection::delete_collection(scope, &listing, &options).await?)
        }
        Verb::Watch => unreachable!("a watch is answered before"),
    }
}

/// Runs a verb on a subresource.
pub(crate) async fn subresource(
    scope: &mut RequestScope,
    verb: Verb,
    input: &RawRequest,
    renderer: &Renderer,
) -> Result<Reply, ApiError> {
    let subresource = scope.resource.subresource(&scope.subresource).expect("the router has looked").clone();
    check_verb(&subresource.verbs, verb)?;
    match (subresource.name.as_str(), verb) {
        ("status", Verb::Get) => get_object(scope, input, renderer).await,
        ("status", Verb::Update) => update_object(scope, Part::Status, input, renderer).await,
        ("status", Verb::Patch) => patch_object(scope, Part::Status, input, renderer).await,
        ("binding", Verb::Create) => {
            let options = input.write_options("CreateOptions")?;
            let object = input.object_as(scope, ("v1", "Binding"), options.field_validation)?;
            binding::bind(scope, object, &options)?;
            Ok(success_status())
        }
        ("eviction", Verb::Create) => {
            let options = input.write_options("CreateOptions")?;
            let object = input.object_as(scope, ("policy/v1", "Eviction"), options.field_validation)?;
            eviction::evict(scope, object, &options).await?;
            Ok(success_status())
        }
        ("log", Verb::Get) => {
            log::log(scope, input.query.get("container").unwrap_or_default())?;
            Ok(Reply::Plain { code: 204, headers: Vec::new(), body: Bytes::new() })
        }
        ("finalize", Verb::Update) => {
            let options = input.write_options("UpdateOptions")?;
            let object = input.object(scope, options.field_validation)?;
            renderer.object(200, &finalize::finalize(scope, &object, &options).await?)
        }
        ("scale", Verb::Get) => Ok(Reply::value(200, &scale::get(scope).await?)),
        ("scale", Verb::Update) => {
            let options = input.write_options("UpdateOptions")?;
            let media = media(Some(&input.content_type))?;
            let scale =
                scale::decode(scope, options.field_validation, |decoder| decoder.body(&input.body, media))?;
            Ok(Reply::value(200, &scale::update(scope, scale, &options).await?))
        }
        ("scale", Verb::Patch) => patch_scale(scope, input).await,
        (name, verb) => {
            let what = format!("{} of {}/{name}", verb.name(), scope.resource.group_resource());
            Err(ApiError::not_modelled(&what))
        }
    }
}

/// Starts a watch.
pub(crate) fn watch(scope: RequestScope, input: &RawRequest, renderer: Renderer) -> Result<Reply, ApiError> {
    let options = ListOptions::parse(&input.query, true)?;
    let events = watch::watch(scope, &options)?;
    Ok(Reply::Stream { frames: renderer.watch(events), warnings: Vec::new() })
}

fn check_verb(verbs: &[String], verb: Verb) -> Result<(), ApiError> {
    let found = verbs.iter().any(|allowed| allowed == verb.name());
    if found { Ok(()) } else { Err(ApiError::unsupported_method()) }
}

async fn get_object(
    scope: &RequestScope,
    input: &RawRequest,
    renderer: &Renderer,
) -> Result<Reply, ApiError> {
    let revision = input.query.get("resourceVersion").unwrap_or_default();
    renderer.object(200, &get::get(scope, revision).await?)
}

async fn update_object(
    scope: &mut RequestScope,
    part: Part,
    input: &RawRequest,
    renderer: &Renderer,
) -> Result<Reply, ApiError> {
    let options = input.write_options("UpdateOptions")?;
    let object = input.object(scope, options.field_validation)?;
    write_reply(&update::update(scope, part, object, &options).await?, renderer)
}

async fn patch_object(
    scope: &mut RequestScope,
    part: Part,
    input: &RawRequest,
    renderer: &Renderer,
) -> Result<Reply, ApiError> {
    if input.patch_type() == APPLY {
        let options = WriteOptions::parse_apply(&input.query)?;
        let config = configuration(scope, input)?;
        return write_reply(&apply::apply(scope, part, &config, &options).await?, renderer);
    }
    let strategic = scope.resource.supports_strategic_merge_patch();
    let patch = Patch::read(input.patch_type(), &input.body, strategic)?;
    let options = input.write_options("PatchOptions")?;
    renderer.object(200, &patch::patch(scope, part, &patch, &options).await?)
}

/// The configuration of an apply. Through a subresource, a missing object is told before a malformed body.
fn configuration(scope: &RequestScope, input: &RawRequest) -> Result<ApplyConfiguration, ApiError> {
    ApplyConfiguration::read(&input.body).map_err(|error| {
        let creates = scope.subresource.is_empty() || scope.resource.strategy.creates_on_update();
        let missing = !creates && scope.state.store.snapshot().get(&scope.key()).is_none();
        if missing { scope.not_found() } else { error }
    })
}

async fn patch_scale(scope: &RequestScope, input: &RawRequest) -> Result<Reply, ApiError> {
    let scale = if input.patch_type() == APPLY {
        let options = WriteOptions::parse_apply(&input.query)?;
        let config = configuration(scope, input)?;
        scale::apply(scope, &config, &options).await?
    } else {
        let strategic = scope.resource.supports_strategic_merge_patch();
        let patch = Patch::read(input.patch_type(), &input.body, strategic)?;
        scale::patch(scope, &patch, &input.write_options("PatchOptions")?).await?
    };
    Ok(Reply::value(200, &scale))
}

fn write_reply(written: &Written, renderer: &Renderer) -> Result<Reply, ApiError> {
    renderer.object(if written.created { 201 } else { 200 }, &written.object)
}

async fn delete_object(
    scope: &RequestScope,
    input: &RawRequest,
    renderer: &Renderer,
) -> Result<Reply, ApiError> {
    let options = input.delete_options()?;
    delete::warn(scope, &options);
    match delete::delete(scope, &options).await? {
        DeleteOutcome::Terminating(object) => {
            let code = if options.orphan_dependents == Some(false) { 202 } else { 200 };
            renderer.object(code, &object)
        }
        DeleteOutcome::Removed(object) if scope.resource.delete_gives_object => renderer.object(200, &object),
        DeleteOutcome::Removed(object) => {
            Ok(Reply::value(200, &renderer.deleted(&scope.name, object.value())))
        }
    }
}

/// The response of a subresource that returns no object.
fn success_status() -> Reply {
    Reply::value(
        201,
        &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}),
    )
}
