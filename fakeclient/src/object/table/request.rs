//! What a client may ask for beside the object itself, as its `Accept` header and `includeObject` say. Which media
//! types there are is the endpoint's.

use crate::error::ApiError;

/// Another form of an answer, in that version of `meta.k8s.io` (`v1` or `v1beta1`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `as=Table`
    Table {
        /// Version of `meta.k8s.io`.
        version: String,
    },
    /// `as=PartialObjectMetadata`
    Metadata {
        /// Version of `meta.k8s.io`.
        version: String,
    },
    /// `as=PartialObjectMetadataList`
    MetadataList {
        /// Version of `meta.k8s.io`.
        version: String,
    },
}

/// What a table's row carries of its object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Include {
    /// Nothing.
    None,
    /// The metadata (the default).
    #[default]
    Metadata,
    /// All of it.
    Object,
}

impl Form {
    /// The form that one clause of an `Accept` header asks for, such as
    /// `application/json;as=Table;g=meta.k8s.io;v=v1`. Nothing for a clause without `as`; an error for a form that
    /// the server does not have, so that the next clause is tried.
    pub(crate) fn parse(clause: &str) -> Result<Option<Self>, ()> {
        let parameter = |wanted: &str| {
            let parts = clause.split(';').skip(1).filter_map(|part| part.split_once('='));
            parts
                .map(|(key, value)| (key.trim(), value.trim()))
                .find(|(key, _)| *key == wanted)
                .map(|(_, v)| v)
        };
        let Some(form) = parameter("as") else {
            return Ok(None);
        };
        let version = parameter("v").unwrap_or_default().to_owned();
        if parameter("g") != Some("meta.k8s.io") || !matches!(version.as_str(), "v1" | "v1beta1") {
            return Err(());
        }
        match form {
            "Table" => Ok(Some(Self::Table { version })),
            "PartialObjectMetadata" => Ok(Some(Self::Metadata { version })),
            "PartialObjectMetadataList" => Ok(Some(Self::MetadataList { version })),
            _ => Err(()),
        }
    }

    /// Refuses a form for one object where there is a list, and the other way round. `go_type` is the server's name
    /// of the answer's type, such as `*core.PodList`.
    pub(crate) fn check(&self, is_list: bool, go_type: &str) -> Result<(), ApiError> {
        match self {
            Self::Metadata { .. } if is_list => Err(ApiError::not_acceptable(format!(
                "you requested PartialObjectMetadata, but the requested object is a list ({go_type})"
            ))),
            Self::MetadataList { .. } if !is_list => Err(ApiError::not_acceptable(format!(
                "you requested PartialObjectMetadataList, but the requested object is not a list ({go_type})"
            ))),
            _ => Ok(()),
        }
    }
}

impl Include {
    /// Reads `includeObject`.
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, ApiError> {
        match text.unwrap_or_default() {
            "" | "Metadata" => Ok(Self::Metadata),
            "None" => Ok(Self::None),
            "Object" => Ok(Self::Object),
            other => Err(ApiError::bad_request(format!(
                "Unable to convert to Table as requested: includeObject: Invalid value: {other:?}: must be 'Metadata', \
                 'Object', 'None', or empty"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_names_a_form_and_a_version() {
        let table = Form::parse("application/json;as=Table;g=meta.k8s.io;v=v1");
        assert_eq!(table, Ok(Some(Form::Table { version: "v1".into() })));
        assert_eq!(Form::parse("application/json"), Ok(None));
        assert_eq!(Form::parse("application/json;as=Table;g=meta.k8s.io;v=v2"), Err(()));
        assert_eq!(Form::parse("application/json;as=Bogus;g=meta.k8s.io;v=v1"), Err(()));
    }

    #[test]
    fn a_form_for_one_object_does_not_fit_a_list() {
        let one = Form::Metadata { version: "v1".into() };
        assert_eq!(
            one.check(true, "*core.PodList").unwrap_err().message,
            "you requested PartialObjectMetadata, but the requested object is a list (*core.PodList)"
        );
        let list = Form::MetadataList { version: "v1".into() };
        assert_eq!(
            list.check(false, "*core.Pod").unwrap_err().message,
            "you requested PartialObjectMetadataList, but the requested object is not a list (*core.Pod)"
        );
    }

    #[test]
    fn an_unknown_include_object_is_refused() {
        assert_eq!(
            Include::parse(Some("Bogus")).unwrap_err().message,
            "Unable to convert to Table as requested: includeObject: Invalid value: \"Bogus\": must be 'Metadata', 'Object', 'None', or empty"
        );
    }
}
