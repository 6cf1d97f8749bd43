//! Why something that was asked of the switch is not done.

use std::fmt::Display;

use sluice_api::v1;
use sluice_api::v1::error::Code;

/// A refusal: names the object at fault, the reason and what to do. Nothing was changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}: {}", .0.object, .0.message)]
pub(crate) struct Refusal(Box<v1::Error>);

impl Refusal {
    /// What was asked makes no sense, whatever the state.
    pub(crate) fn invalid(object: impl Display, message: impl Display, hint: impl Display) -> Refusal {
        Refusal::new(Code::Invalid, object, message, hint)
    }

    /// It contradicts something that is there.
    pub(crate) fn conflict(object: impl Display, message: impl Display, hint: impl Display) -> Refusal {
        Refusal::new(Code::Conflict, object, message, hint)
    }

    /// It needs something that is not there.
    pub(crate) fn not_found(object: impl Display, message: impl Display, hint: impl Display) -> Refusal {
        Refusal::new(Code::NotFound, object, message, hint)
    }

    /// It was tried and did not work.
    pub(crate) fn failed(object: impl Display, message: impl Display, hint: impl Display) -> Refusal {
        Refusal::new(Code::Failed, object, message, hint)
    }

    fn new(code: Code, object: impl Display, message: impl Display, hint: impl Display) -> Refusal {
        Refusal(Box::new(v1::Error {
            code: code.into(),
            object: object.to_string(),
            message: message.to_string(),
            hint: hint.to_string(),
        }))
    }

    /// As the API says it.
    pub(crate) fn into_api(self) -> v1::Error {
        *self.0
    }
}
