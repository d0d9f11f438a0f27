//! `X509Certificate2` and its relatives (expressions.md §2.8, §6.9).

use std::any::Any;

use super::{Allow, Type, TypeTable, library, m};
use crate::host::Certificate;
use crate::value::{Object, Value};

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "class System.Security.Cryptography.X509Certificates.X509Certificate : System.IDisposable",
        allow: Allow::All,
        members: &[m("byte[] GetRawCertData()", |_, a| Ok(Value::bytes(a.object::<CertificateObject>(0)?.0.der.clone())))],
    },
    TypeTable {
        header: "class System.Security.Cryptography.X509Certificates.X509Certificate2 : System.Security.Cryptography.X509Certificates.X509Certificate",
        allow: Allow::All,
        members: &[m("byte[] RawData { get; }", |_, a| Ok(Value::bytes(a.object::<CertificateObject>(0)?.0.der.clone())))],
    },
];

pub(crate) struct CertificateObject(pub Certificate);

pub(super) fn certificate_type() -> Type {
    library().named("System.Security.Cryptography.X509Certificates.X509Certificate2")
}

pub(super) fn certificate_value(certificate: &Certificate) -> Value {
    Value::object(CertificateObject(certificate.clone()))
}

impl Object for CertificateObject {
    fn ty(&self) -> Type {
        certificate_type()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        Some(other.downcast::<Self>().is_some_and(|o| o.0.der == self.0.der))
    }
}
