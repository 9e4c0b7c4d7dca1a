//! OpenAPI paths and operations of a resource, with their ids.
//!
//! The rules are those of kube-apiserver's installer (1.37) and, for custom resources, of apiextensions' OpenAPI
//! builder: fewer media types, no watch paths, no options on `deletecollection`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::document::reference;
use super::operation::{Operation, Parameter, Responses, content, item};
use crate::object::schema::resource_schema::ResourceSchema;
use crate::registry::resource::{Resource, Subresource};

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";

const LIST: [Parameter; 11] = [
    Parameter::query("allowWatchBookmarks"),
    Parameter::query("continue"),
    Parameter::query("fieldSelector"),
    Parameter::query("labelSelector"),
    Parameter::query("limit"),
    Parameter::query("resourceVersion"),
    Parameter::query("resourceVersionMatch"),
    Parameter::query("sendInitialEvents"),
    Parameter::query("shardSelector"),
    Parameter::query("timeoutSeconds"),
    Parameter::query("watch"),
];
const WRITE: [Parameter; 3] =
    [Parameter::query("dryRun"), Parameter::query("fieldManager"), Parameter::query("fieldValidation")];
const DELETE: [Parameter; 5] = [
    Parameter::query("dryRun"),
    Parameter::query("gracePeriodSeconds"),
    Parameter::query("ignoreStoreReadErrorWithClusterBreakingPotential"),
    Parameter::query("orphanDependents"),
    Parameter::query("propagationPolicy"),
];

const PATCHES: [&str; 4] = [
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
];

/// `/api/v1`, `/apis/apps/v1`.
pub(super) fn root(group: &str, version: &str) -> String {
    if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") }
}

/// Operation ids of a group version.
pub(super) struct OperationNamer {
    /// `apps_v1`
    pub(super) tag: String,
    /// `AppsV1`
    prefix: String,
}

impl OperationNamer {
    pub(super) fn new(group: &str, version: &str) -> Self {
        let group = if group.is_empty() { "core" } else { group.strip_suffix(".k8s.io").unwrap_or(group) };
        let tag = if version.is_empty() {
            identifier(group, false)
        } else {
            format!("{}_{}", identifier(group, false), identifier(version, false))
        };
        Self { tag, prefix: format!("{}{}", identifier(group, true), identifier(version, true)) }
    }

    /// `readAppsV1NamespacedDeployment` from `read` and `NamespacedDeployment`.
    pub(super) fn id(&self, verb: &str, rest: &str) -> String {
        format!("{verb}{}{rest}", self.prefix)
    }
}

/// Camel case of a name: separators are removed, and the next letter is capitalised.
fn identifier(name: &str, mut capital: bool) -> String {
    let mut text = String::new();
    for (at, c) in name.chars().enumerate() {
        if c.is_alphabetic() || c == '_' || (at > 0 && c.is_numeric()) {
            if capital {
                text.extend(c.to_uppercase());
            } else {
                text.push(c);
            }
            capital = false;
        } else {
            capital = true;
        }
    }
    text
}

/// Adds the paths of one resource.
pub(super) fn add(paths: &mut BTreeMap<String, Value>, resource: &Resource) {
    let painter = OperationBuilder::new(resource);
    let mut put = |path: String, operations: Vec<Operation>| {
        if !operations.is_empty() {
            paths.insert(path, item(operations));
        }
    };
    put(painter.collection(""), painter.on_collection());
    put(painter.object(""), painter.on_object());
    if resource.namespaced && painter.can("list") {
        put(format!("{}/{}", painter.root, resource.plural), vec![painter.list(true)]);
    }
    if painter.can("watch") && !painter.custom {
        put(painter.collection("/watch"), vec![painter.watch_list(false)]);
        put(painter.object("/watch"), vec![painter.watch_one()]);
        if resource.namespaced {
            let everywhere = format!("{}/watch/{}", painter.root, resource.plural);
            put(everywhere, vec![painter.watch_list(true)]);
        }
    }
    for sub in &resource.subresources {
        let path = format!("{}/{}", painter.object(""), sub.name);
        if sub.kind.ends_with("Options") {
            put(path.clone(), painter.connect(sub, false));
            if sub.name == "proxy" {
                put(format!("{path}/{{path}}"), painter.connect(sub, true));
            }
        } else {
            put(path, painter.on_subresource(sub));
        }
    }
}

/// Builds the operations of one resource.
struct OperationBuilder<'r> {
    resource: &'r Resource,
    root: String,
    namer: OperationNamer,
    custom: bool,
    component: String,
    /// `NamespacedDeployment`, `Node`.
    noun: String,
}

/// The varying properties of an operation on an object or a subresource.
struct OperationTarget<'t> {
    noun: String,
    kind: Value,
    component: &'t str,
}

impl<'r> OperationBuilder<'r> {
    fn new(resource: &'r Resource) -> Self {
        let component = match &resource.schema {
            ResourceSchema::Builtin { component } => component.clone(),
            ResourceSchema::Custom { .. } => super::custom::component_name(resource, &resource.kind),
        };
        let scope = if resource.namespaced { "Namespaced" } else { "" };
        Self {
            resource,
            root: root(&resource.group, &resource.version),
            namer: OperationNamer::new(&resource.group, &resource.version),
            custom: matches!(resource.schema, ResourceSchema::Custom { .. }),
            component,
            noun: format!("{scope}{}", resource.kind),
        }
    }

    fn can(&self, verb: &str) -> bool {
        self.resource.verbs.iter().any(|known| known == verb)
    }

    fn collection(&self, below: &str) -> String {
        let namespace = if self.resource.namespaced { "/namespaces/{namespace}" } else { "" };
        format!("{}{below}{namespace}/{}", self.root, self.resource.plural)
    }

    /// The path of one object. For a Namespace, its name takes the place of the namespace in other paths.
    fn object(&self, below: &str) -> String {
        format!("{}/{{name}}", self.collection(below))
    }

    fn kind(&self) -> Value {
        let resource = self.resource;
        json!({"group": resource.group, "version": resource.version, "kind": resource.kind})
    }

    fn main_target(&self) -> OperationTarget<'_> {
        OperationTarget { noun: self.noun.clone(), kind: self.kind(), component: &self.component }
    }

    fn media(&self) -> &'static [&'static str] {
        if self.custom {
            &["application/json", "application/yaml"]
        } else {
            &["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]
        }
    }

    fn watch_media(&self) -> &'static [&'static str] {
        if self.custom {
            self.media()
        } else {
            &[
                "application/json",
                "application/json;stream=watch",
                "application/vnd.kubernetes.protobuf",
                "application/vnd.kubernetes.protobuf;stream=watch",
                "application/yaml",
            ]
        }
    }

    fn input(&self, component: &str) -> Value {
        let media: &[&'static str] =
            if self.custom { &["application/json", "application/yaml"] } else { &["*/*"] };
        content(media, &reference(component))
    }

    /// An operation with the parameters that its path has.
    fn operation(
        &self,
        method: &'static str,
        id: (&str, &str),
        responses: Responses,
        named: bool,
    ) -> Operation {
        let mut operation = Operation::new(method, &self.namer.tag, &self.namer.id(id.0, id.1), responses);
        if self.resource.namespaced {
            operation = operation.takes([Parameter::path("namespace")]);
        }
        if named {
            operation = operation.takes([Parameter::path("name")]);
        }
        operation
    }

    fn pretty(operation: Operation) -> Operation {
        operation.takes([Parameter::query("pretty")])
    }

    fn on_collection(&self) -> Vec<Operation> {
        let mut operations = Vec::new();
        if self.can("list") {
            operations.push(self.list(false));
        }
        if self.can("create") {
            operations.push(self.create(&self.main_target(), false));
        }
        if self.can("deletecollection") {
            operations.push(self.delete_collection());
        }
        operations
    }

    fn on_object(&self) -> Vec<Operation> {
        let whole = self.main_target();
        let mut operations = Vec::new();
        if self.can("get") {
            operations.push(self.read(&whole));
        }
        if self.can("update") {
            operations.push(self.replace(&whole));
        }
        if self.can("delete") {
            operations.push(self.delete());
        }
        if self.can("patch") {
            operations.push(self.patch(&whole));
        }
        operations
    }

    fn list(&self, everywhere: bool) -> Operation {
        let component = match &self.resource.schema {
            ResourceSchema::Builtin { .. } => format!("{}List", self.component),
            ResourceSchema::Custom { .. } => {
                super::custom::component_name(self.resource, &self.resource.list_kind)
            }
        };
        let responses = Responses::new(&[200], self.watch_media(), &reference(&component));
        let operation = if everywhere {
            let noun = format!("{}ForAllNamespaces", self.resource.kind);
            Operation::new("get", &self.namer.tag, &self.namer.id("list", &noun), responses)
        } else {
            self.operation("get", ("list", &self.noun), responses, false)
        };
        Self::pretty(operation).takes(LIST).acts("list", self.kind())
    }

    fn watch_list(&self, everywhere: bool) -> Operation {
        let responses = self.events();
        let operation = if everywhere {
            let noun = format!("{}ListForAllNamespaces", self.resource.kind);
            Operation::new("get", &self.namer.tag, &self.namer.id("watch", &noun), responses)
        } else {
            self.operation("get", ("watch", &format!("{}List", self.noun)), responses, false)
        };
        Self::pretty(operation).takes(LIST).acts("watchlist", self.kind())
    }

    fn watch_one(&self) -> Operation {
        let operation = self.operation("get", ("watch", &self.noun), self.events(), true);
        Self::pretty(operation).takes(LIST).acts("watch", self.kind())
    }

    fn events(&self) -> Responses {
        Responses::new(&[200], self.watch_media(), &reference(&format!("{META}.WatchEvent")))
    }

    fn create(&self, target: &OperationTarget<'_>, named: bool) -> Operation {
        let responses = Responses::new(&[200, 201, 202], self.media(), &reference(target.component));
        let operation = self.operation("post", ("create", &target.noun), responses, named);
        Self::pretty(operation)
            .takes(WRITE)
            .body(&self.input(target.component), true)
            .acts("post", target.kind.clone())
    }

    fn delete_collection(&self) -> Operation {
        let responses = Responses::new(&[200], self.media(), &reference(&format!("{META}.Status")));
        let noun = format!("Collection{}", self.noun);
        let operation = Self::pretty(self.operation("delete", ("delete", &noun), responses, false));
        let operation = if self.custom {
            operation.takes(LIST)
        } else {
            let watching = ["allowWatchBookmarks", "watch"].map(Parameter::query);
            operation
                .takes(LIST.into_iter().filter(|parameter| !watching.contains(parameter)))
                .takes(DELETE)
                .body(&self.input(&format!("{META}.DeleteOptions")), false)
        };
        operation.acts("deletecollection", self.kind())
    }

    fn read(&self, target: &OperationTarget<'_>) -> Operation {
        let responses = Responses::new(&[200], self.media(), &reference(target.component));
        let operation = Self::pretty(self.operation("get", ("read", &target.noun), responses, true));
        let operation =
            if self.custom { operation.takes([Parameter::query("resourceVersion")]) } else { operation };
        operation.acts("get", target.kind.clone())
    }

    fn replace(&self, target: &OperationTarget<'_>) -> Operation {
        let responses = Responses::new(&[200, 201], self.media(), &reference(target.component));
        let operation = self.operation("put", ("replace", &target.noun), responses, true);
        Self::pretty(operation)
            .takes(WRITE)
            .body(&self.input(target.component), true)
            .acts("put", target.kind.clone())
    }

    fn patch(&self, target: &OperationTarget<'_>) -> Operation {
        let codes: &[u16] = if self.custom { &[200] } else { &[200, 201] };
        let patches = if self.custom { &PATCHES[..3] } else { &PATCHES[..] };
        let responses = Responses::new(codes, self.media(), &reference(target.component));
        let operation = self.operation("patch", ("patch", &target.noun), responses, true);
        Self::pretty(operation)
            .takes(WRITE)
            .takes([Parameter::query("force")])
            .body(&content(patches, &reference(&format!("{META}.Patch"))), true)
            .acts("patch", target.kind.clone())
    }

    fn delete(&self) -> Operation {
        let status = format!("{META}.Status");
        let answer = if self.resource.delete_gives_object { &self.component } else { &status };
        let responses = Responses::new(&[200, 202], self.media(), &reference(answer));
        let operation = self.operation("delete", ("delete", &self.noun), responses, true);
        Self::pretty(operation)
            .takes(DELETE)
            .body(&self.input(&format!("{META}.DeleteOptions")), false)
            .acts("delete", self.kind())
    }

    fn on_subresource(&self, sub: &Subresource) -> Vec<Operation> {
        let kind = json!({"group": sub.group, "version": sub.version, "kind": sub.kind});
        let of_parent = (&sub.group, &sub.version, &sub.kind)
            == (&self.resource.group, &self.resource.version, &self.resource.kind);
        let component = if of_parent { self.component.clone() } else { subresource_component(sub) };
        let target = OperationTarget {
            noun: format!("{}{}", self.noun, identifier(&sub.name, true)),
            kind: if self.custom { self.kind() } else { kind },
            component: &component,
        };
        if sub.name == "log" {
            return vec![self.log(&target)];
        }
        let verb = |verb: &str| sub.verbs.iter().any(|known| known == verb);
        let mut operations = Vec::new();
        if verb("get") {
            operations.push(self.read(&target));
        }
        if verb("create") {
            operations.push(self.create(&target, true));
        }
        if verb("update") {
            operations.push(self.replace(&target));
        }
        if verb("patch") {
            operations.push(self.patch(&target));
        }
        operations
    }

    fn log(&self, target: &OperationTarget<'_>) -> Operation {
        let media =
            ["application/json", "application/vnd.kubernetes.protobuf", "application/yaml", "text/plain"];
        let responses = Responses::new(&[200], &media, &json!({"type": "string"}));
        let operation = Self::pretty(self.operation("get", ("read", &target.noun), responses, true));
        let options = [
            "container",
            "follow",
            "insecureSkipTLSVerifyBackend",
            "limitBytes",
            "previous",
            "sinceSeconds",
            "stream",
            "tailLines",
            "timestamps",
        ];
        operation.takes(options.map(Parameter::query)).acts("get", target.kind.clone())
    }

    /// The operations of a connect subresource. Discovery lists verbs for its methods; proxies also accept the two
    /// methods without a verb.
    fn connect(&self, sub: &Subresource, with_path: bool) -> Vec<Operation> {
        let proxy = sub.name == "proxy";
        let methods: &[&'static str] = if proxy {
            &["get", "put", "post", "delete", "options", "head", "patch"]
        } else {
            &["get", "post"]
        };
        let options: &[&'static str] = match sub.name.as_str() {
            "proxy" => &["path"],
            "portforward" => &["ports"],
            "exec" => &["command", "container", "stderr", "stdin", "stdout", "tty"],
            _ => &["container", "stderr", "stdin", "stdout", "tty"],
        };
        let kind = json!({"group": sub.group, "version": sub.version, "kind": sub.kind});
        let tail = if with_path { "WithPath" } else { "" };
        let draw = |method: &&'static str| {
            let responses = Responses::new(&[200], &["*/*"], &json!({"type": "string"}));
            let noun =
                format!("{}{}{}{tail}", identifier(method, true), self.noun, identifier(&sub.name, true));
            let mut operation = self.operation(method, ("connect", &noun), responses, true);
            if with_path {
                operation = operation.takes([Parameter::path("path")]);
            }
            operation.takes(options.iter().copied().map(Parameter::query)).acts("connect", kind.clone())
        };
        methods.iter().map(draw).collect()
    }
}

/// The component of a kind in another group than its parent: `io.k8s.api.policy.v1.Eviction`.
fn subresource_component(sub: &Subresource) -> String {
    let group = if sub.group.is_empty() { "core" } else { sub.group.split('.').next().unwrap_or_default() };
    format!("io.k8s.api.{group}.{}.{}", sub.version, sub.kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_in_operation_ids_is_camel_case_without_k8s_suffix() {
        let namer = OperationNamer::new("rbac.authorization.k8s.io", "v1");
        assert_eq!(namer.tag, "rbacAuthorization_v1");
        assert_eq!(namer.id("read", "Role"), "readRbacAuthorizationV1Role");
        assert_eq!(OperationNamer::new("my-shop.example.com", "v1beta1").tag, "myShopExampleCom_v1beta1");
        assert_eq!(OperationNamer::new("", "v1").tag, "core_v1");
    }

    #[test]
    fn every_subresource_kind_has_a_component() {
        for resource in crate::kinds::registry().resources() {
            for sub in &resource.subresources {
                if sub.group != resource.group {
                    let name = subresource_component(sub);
                    assert!(crate::kinds::schemas::component(&name).is_some(), "{name}");
                }
            }
        }
    }
}
