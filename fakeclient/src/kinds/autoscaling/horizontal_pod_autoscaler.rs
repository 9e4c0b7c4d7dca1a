//! `HorizontalPodAutoscaler`: stored as `autoscaling/v2`, also served as `autoscaling/v1`.

use serde_json::Value;

use super::v1_conversion;
use crate::error::ApiError;
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

/// `horizontalpodautoscalers.autoscaling`
#[derive(Debug)]
pub(crate) struct HorizontalPodAutoscaler;

impl Strategy for HorizontalPodAutoscaler {
    fn convert_to_served(&self, object: &mut Value) -> Result<bool, ApiError> {
        v1_conversion::served(object).map(|()| true)
    }

    fn convert_to_stored(&self, object: &mut Value) -> Result<bool, ApiError> {
        v1_conversion::stored(object).map(|()| true)
    }
}

impl CreateStrategy for HorizontalPodAutoscaler {}
impl UpdateStrategy for HorizontalPodAutoscaler {}
impl StatusStrategy for HorizontalPodAutoscaler {}
impl DeleteStrategy for HorizontalPodAutoscaler {}
