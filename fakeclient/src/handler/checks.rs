//! What must hold of an object before it is stored: its metadata, its schema, its kind's own rules.

use serde_json::Value;

use super::scope::Scope;
use crate::error::ApiError;
use crate::object::field::FieldError;
use crate::object::meta;
use crate::object::meta_rules::MetaRules;
use crate::object::schema::structural::Structural;
use crate::registry::resource::Shape;

impl Scope<'_> {
    /// 422 with everything that is wrong with a new object.
    pub(crate) fn check_create(&self, object: &Value) -> Result<(), ApiError> {
        let resource = &self.resource;
        let mut errors = self.meta_rules().create_errors(object);
        errors.extend(self.schema_errors(object, None));
        errors.extend(resource.strategy.validate_create(object));
        self.verdict(object, errors)
    }

    /// 422 with everything that is wrong with a change.
    pub(crate) fn check_update(&self, object: &Value, old: &Value) -> Result<(), ApiError> {
        let resource = &self.resource;
        let mut errors = self.meta_rules().update_errors(object, old);
        errors.extend(self.schema_errors(object, Some(old)));
        errors.extend(resource.strategy.validate_update(object, old));
        self.verdict(object, errors)
    }

    /// 422 with everything that is wrong with a change of the status.
    pub(crate) fn check_status(&self, object: &Value, old: &Value) -> Result<(), ApiError> {
        let resource = &self.resource;
        let mut errors = self.meta_rules().update_errors(object, old);
        errors.extend(self.schema_errors(object, Some(old)));
        errors.extend(resource.strategy.validate_status_update(object, old));
        self.verdict(object, errors)
    }

    fn meta_rules(&self) -> MetaRules {
        let resource = &self.resource;
        MetaRules {
            name: resource.strategy.name_rule(),
            namespaced: resource.namespaced,
            custom: !resource.is_builtin(),
        }
    }

    fn schema_errors(&self, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
        match &self.resource.shape {
            Shape::Builtin { .. } => Vec::new(),
            Shape::Custom { schema } => custom_errors(schema, object, old),
        }
    }

    fn verdict(&self, object: &Value, errors: Vec<FieldError>) -> Result<(), ApiError> {
        if errors.is_empty() {
            return Ok(());
        }
        Err(self.invalid(meta::text(object, "name"), &errors))
    }
}

/// What the schema of a custom resource says.
fn custom_errors(schema: &Structural, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let _ = old;
    schema.validate_lists(object)
}
