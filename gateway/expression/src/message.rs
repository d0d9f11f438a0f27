//! Messages that live in variables: what `send-request` stored.

use std::any::Any;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use crate::types::{Type, model_type};
use crate::value::{Holds, Object, Portable, Value};

/// A response that a variable holds, `IResponse` to expressions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseData {
    /// Status code.
    pub status: u16,
    /// Reason phrase.
    pub reason: String,
    /// Header lines in order.
    pub headers: Vec<(String, String)>,
    /// Content, decompressed.
    pub body: Vec<u8>,
}

/// A stored response and whether its body was consumed.
#[derive(Debug)]
pub(crate) struct Stored {
    pub data: Arc<ResponseData>,
    pub consumed: Cell<bool>,
}

/// The parts of a stored response that are values of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoredPart {
    Response,
    Headers,
    Body,
}

/// A stored response, or a part of it.
#[derive(Clone, Debug)]
pub(crate) struct StoredValue {
    pub stored: Rc<Stored>,
    pub part: StoredPart,
}

/// The value of a stored response.
pub(crate) fn response(data: &Arc<ResponseData>) -> Value {
    let stored = Rc::new(Stored { data: Arc::clone(data), consumed: Cell::new(false) });
    Value::object(StoredValue { stored, part: StoredPart::Response })
}

/// A dictionary in the form of headers.
pub(crate) fn headers(headers: Vec<(String, String)>) -> Value {
    let data = Arc::new(ResponseData { headers, ..ResponseData::default() });
    let stored = Rc::new(Stored { data, consumed: Cell::new(false) });
    Value::object(StoredValue { stored, part: StoredPart::Headers })
}

impl Value {
    /// A response for a variable.
    pub fn response(data: ResponseData) -> Self {
        response(&Arc::new(data))
    }

    /// The response, if it is one.
    pub fn as_response(&self) -> Option<&ResponseData> {
        let stored = self.downcast::<StoredValue>()?;
        (stored.part == StoredPart::Response).then_some(&*stored.stored.data)
    }
}

impl Object for StoredValue {
    fn ty(&self) -> Type {
        match self.part {
            StoredPart::Response => model_type("IResponse"),
            StoredPart::Headers => crate::types::headers_type(),
            StoredPart::Body => model_type("IMessageBody"),
        }
    }

    fn holds(&self) -> Holds {
        Holds::Nothing
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        let same = other.downcast::<Self>();
        Some(same.is_some_and(|o| Rc::ptr_eq(&o.stored, &self.stored) && o.part == self.part))
    }

    fn iterate(
        self: Rc<Self>,
        _vm: &mut crate::run::Vm<'_>,
    ) -> Option<Result<Box<dyn crate::run::Iter>, crate::run::Fault>> {
        (self.part == StoredPart::Headers)
            .then(|| Ok(crate::types::header_entries(&self.stored.data.headers)))
    }

    fn portable(&self) -> Option<Portable> {
        (self.part == StoredPart::Response).then(|| Portable::Response(Arc::clone(&self.stored.data)))
    }
}
