//! Tokens and credentials of the model (expressions.md §2.7).

use std::any::Any;

use super::collection::{new_dictionary, new_list};
use super::{Allow, Type, TypeTable, m, model_type};
use crate::clr::basic::{self, BasicCredentials};
use crate::clr::jwt::Jwt;
use crate::run::{Fault, Vm};
use crate::text::Text;
use crate::value::{Holds, Object, Portable, Value};

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "class Microsoft.Azure.ApiManagement.BasicAuthCredentials",
        allow: Allow::All,
        members: &[
            m("string UserId { get; }", |vm, a| vm.text(a.object::<Basic>(0)?.0.user_id.as_str())),
            m("string Username { get; }", |vm, a| vm.text(a.object::<Basic>(0)?.0.user_id.as_str())),
            m("string Password { get; }", |vm, a| vm.text(a.object::<Basic>(0)?.0.password.as_str())),
        ],
    },
    TypeTable {
        header: "class Microsoft.Azure.ApiManagement.Jwt",
        allow: Allow::All,
        members: &[
            m("string Algorithm { get; }", |_, a| Ok(text(a.object::<Token>(0)?.0.algorithm.as_deref()))),
            m("string Type { get; }", |_, a| Ok(text(a.object::<Token>(0)?.0.token_type.as_deref()))),
            m("string Issuer { get; }", |_, a| Ok(text(a.object::<Token>(0)?.0.issuer.as_deref()))),
            m("string Subject { get; }", |_, a| Ok(text(a.object::<Token>(0)?.0.subject.as_deref()))),
            m("string Id { get; }", |_, a| Ok(text(a.object::<Token>(0)?.0.id.as_deref()))),
            m("IEnumerable<string> Audiences { get; }", |vm, a| {
                let items = a.object::<Token>(0)?.0.audiences.iter().map(|s| Value::str(s)).collect();
                new_list(vm, Type::STRING, items)
            }),
            m("System.DateTime? ExpirationTime { get; }", |_, a| {
                Ok(date(a.object::<Token>(0)?.0.expiration_time))
            }),
            m("System.DateTime? NotBefore { get; }", |_, a| Ok(date(a.object::<Token>(0)?.0.not_before))),
            m("System.DateTime? IssuedAt { get; }", |_, a| Ok(date(a.object::<Token>(0)?.0.issued_at))),
            m("IReadOnlyDictionary<string, string[]> Claims { get; }", |vm, a| {
                let claims = &a.object::<Token>(0)?.0.claims;
                let entry = |(name, values): &(String, Vec<String>)| {
                    (Value::str(name), Value::strings(values.iter().map(|v| Text::from(v.as_str()))))
                };
                let list = claims.iter().map(entry).collect();
                new_dictionary(vm, (Type::STRING, Type::array_of(Type::STRING, 1)), false, list)
            }),
        ],
    },
    TypeTable {
        header: "class Microsoft.Azure.ApiManagement.Authorization",
        allow: Allow::All,
        members: &[
            m("string AccessToken { get; }", |vm, a| vm.text(a.object::<Granted>(0)?.access_token.as_str())),
            m("IReadOnlyDictionary<string, object> Claims { get; }", |vm, a| {
                let list = a
                    .object::<Granted>(0)?
                    .claims
                    .iter()
                    .map(|(n, v)| (Value::str(n), Value::str(v)))
                    .collect();
                new_dictionary(vm, (Type::STRING, Type::OBJECT), false, list)
            }),
        ],
    },
    TypeTable {
        header: "static class Microsoft.Azure.ApiManagement.TokenExtensions",
        allow: Allow::All,
        members: &[
            m("static BasicAuthCredentials AsBasic(this string value)", |_, a| Ok(basic_value(a.opt_str(0)))),
            m("static bool TryParseBasic(this string value, out BasicAuthCredentials result)", |_, a| {
                let found = basic_value(a.opt_str(0));
                let ok = !found.is_null();
                a.set_out(1, found);
                Ok(Value::Bool(ok))
            }),
            m("static Jwt AsJwt(this string value)", |vm, a| jwt_of(vm, a.opt_str(0))),
            m("static bool TryParseJwt(this string value, out Jwt result)", |vm, a| {
                let found = jwt_of(vm, a.opt_str(0))?;
                let ok = !found.is_null();
                a.set_out(1, found);
                Ok(Value::Bool(ok))
            }),
        ],
    },
];

struct Basic(BasicCredentials);

impl Object for Basic {
    fn ty(&self) -> Type {
        model_type("BasicAuthCredentials")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct Token(Jwt);

impl Object for Token {
    fn ty(&self) -> Type {
        model_type("Jwt")
    }

    fn holds(&self) -> Holds {
        Holds::Nothing
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn portable(&self) -> Option<Portable> {
        Some(Portable::Jwt(self.0.compact.as_str().into()))
    }
}

/// What `get-authorization-context` stores.
struct Granted {
    access_token: String,
    claims: Vec<(String, String)>,
}

impl Object for Granted {
    fn ty(&self) -> Type {
        model_type("Authorization")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Value {
    /// The token that `validate-jwt` stores in a variable; `None` when it cannot be parsed.
    pub fn jwt(compact: &str) -> Option<Self> {
        Jwt::parse(compact).map(|jwt| Self::object(Token(jwt)))
    }

    /// What `get-authorization-context` stores in a variable.
    pub fn authorization(access_token: &str, claims: Vec<(String, String)>) -> Self {
        Self::object(Granted { access_token: access_token.to_owned(), claims })
    }
}

fn basic_value(text: Option<&Text>) -> Value {
    text.and_then(|t| basic::parse(t.as_str())).map_or(Value::Null, |c| Value::object(Basic(c)))
}

fn jwt_of(vm: &mut Vm<'_>, text: Option<&Text>) -> Result<Value, Fault> {
    let Some(text) = text else { return Ok(Value::Null) };
    vm.charge(text.bytes() * 4)?;
    Ok(Value::jwt(text.as_str()).unwrap_or(Value::Null))
}

fn text(text: Option<&str>) -> Value {
    text.map_or(Value::Null, Value::str)
}

fn date(date: Option<crate::clr::date_time::DateTime>) -> Value {
    date.map_or(Value::Null, super::format::date_value)
}

/// The values of a claim of the token that a variable holds, cast as `(Jwt)` would.
pub(crate) fn jwt_claim<'a>(value: &'a Value, name: &str) -> Result<Option<&'a [String]>, Fault> {
    match value.downcast::<Token>() {
        Some(token) => Ok(token.0.claim(name)),
        None if value.is_null() => Err(Fault::null_reference()),
        None => Err(Fault::invalid_cast(value, &model_type("Jwt"))),
    }
}
