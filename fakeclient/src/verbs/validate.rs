//! Validation of objects before they are stored: metadata, then the rules of the kind's strategy (including a custom
//! resource's schema).

use serde_json::Value;

use super::scope::RequestScope;
use crate::error::ApiError;
use crate::error::field::FieldError;
use crate::object::meta_rules::MetaRules;
use crate::object::view::metadata;

impl RequestScope {
    /// 422 with all errors of a new object.
    pub(crate) fn check_create(&self, object: &Value) -> Result<(), ApiError> {
        let resource = &self.resource;
        let mut errors = self.meta_rules().create_errors(object);
        errors.extend(resource.strategy.validate_create(object));
        self.invalid_unless_empty(object, &errors)
    }

    /// 422 with all errors of an update.
    pub(crate) fn check_update(&self, object: &Value, old: &Value) -> Result<(), ApiError> {
        let resource = &self.resource;
        let mut errors = self.meta_rules().update_errors(object, old);
        errors.extend(resource.strategy.validate_update(object, old));
        self.invalid_unless_empty(object, &errors)
    }

    /// 422 with all errors of a status update.
    pub(crate) fn check_status(&self, object: &Value, old: &Value) -> Result<(), ApiError> {
        let resource = &self.resource;
        let mut errors = self.meta_rules().update_errors(object, old);
        errors.extend(resource.strategy.validate_status_update(object, old));
        self.invalid_unless_empty(object, &errors)
    }

    /// 422 with all errors of an update of a namespace's `spec.finalizers`.
    pub(crate) fn check_finalize(&self, object: &Value, old: &Value) -> Result<(), ApiError> {
        let mut errors = self.meta_rules().update_errors(object, old);
        errors.extend(self.resource.strategy.validate_finalize_update(object));
        self.invalid_unless_empty(object, &errors)
    }

    fn meta_rules(&self) -> MetaRules {
        let resource = &self.resource;
        MetaRules {
            name: resource.strategy.name_rule(),
            namespaced: resource.namespaced,
            custom: resource.strategy.has_apiextensions_validation(),
        }
    }

    fn invalid_unless_empty(&self, object: &Value, errors: &[FieldError]) -> Result<(), ApiError> {
        if errors.is_empty() {
            return Ok(());
        }
        Err(self.invalid(metadata::text(object, "name"), errors))
    }
}
