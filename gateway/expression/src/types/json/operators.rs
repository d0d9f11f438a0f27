//! Conversions from and to `JToken`. They stand in a part of their own because there are many.

use super::super::{Allow, Args, Member, TypeTable, m};
use super::convert::{cast, cast_token, scalar};
use super::token::member;
use super::value;
use crate::clr::json::JToken;
use crate::run::{Fault, Vm};
use crate::value::Value;

/// The operators belong to `JToken`; the library merges tables of one name.
pub(super) static TABLE: &[TypeTable] = &[TypeTable {
    header: "partial class Newtonsoft.Json.Linq.JToken",
    allow: Allow::All,
    members: OPERATORS,
}];

/// `implicit operator JToken(T)` and `explicit operator T(JToken)`.
macro_rules! operators {
    ($($ty:literal),*) => {
        const OPERATORS: &[Member] = &[
            // `(T)token[key]`, when it is settled that the token between is nobody else's: see `lower`.
            m("static object CastMember__(JToken token, object key)", |vm, a| {
                let found = member(a.at(0), a.at(1))?;
                cast_token(vm, found.as_ref(), &a.ty(0))
            }),
            // Towards a token there is none of `char`.
            m("static explicit operator char(JToken value)", from_token),
            m("static explicit operator char?(JToken value)", from_token),
            $(
            m(concat!("static implicit operator JToken(", $ty, " value)"), to_token),
            m(concat!("static explicit operator ", $ty, "(JToken value)"), from_token),
        )*];
    };
}

operators! {
    "bool", "bool?", "sbyte", "sbyte?", "byte", "byte?", "short", "short?", "ushort", "ushort?", "int", "int?", "uint",
    "uint?", "long", "long?", "ulong", "ulong?", "float", "float?", "double", "double?", "decimal", "decimal?", "string",
    "System.DateTime", "System.DateTime?", "System.DateTimeOffset", "System.DateTimeOffset?", "System.TimeSpan",
    "System.TimeSpan?", "System.Guid", "System.Guid?", "Uri", "byte[]"
}

fn to_token(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let found =
        scalar(a.at(0)).ok_or_else(|| Fault::argument("Could not determine JSON object type.", ""))?;
    Ok(value(JToken::value(found)))
}

fn from_token(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    cast(vm, a.at(0), &a.member.result)
}
