//! Which conversions there are between types (C# specification §10.2, §10.3).

use crate::code::{Number, Numeric};
use crate::types::{DefId, SEQUENCE, Type, library};

/// A conversion that needs no operator of a library type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Standard {
    Identity,
    Numeric,
    /// Nothing happens at run time: to a base, an interface or object.
    Reference,
    /// `T` to `T?`.
    Wrap(Box<Standard>),
    /// `S?` to `T?`.
    Lift(Box<Standard>),
    Tuple,
}

/// The numeric kind of a type; enumerations count only where asked.
pub(crate) fn numeric(ty: &Type) -> Option<Numeric> {
    // The places in `CORE`.
    let Type::Def(DefId(place)) = ty else { return None };
    Some(match place {
        2 => Numeric::Char,
        3 => Numeric::I8,
        4 => Numeric::U8,
        5 => Numeric::I16,
        6 => Numeric::U16,
        7 => Numeric::I32,
        8 => Numeric::U32,
        9 => Numeric::I64,
        10 => Numeric::U64,
        11 => Numeric::F32,
        12 => Numeric::F64,
        13 => Numeric::Decimal,
        _ => return None,
    })
}

/// As [`numeric`], enumerations too.
pub(crate) fn numeric_or_enum(ty: &Type) -> Option<Numeric> {
    match ty {
        Type::Def(def) if ty.is_enum() => Some(Numeric::Enum(*def)),
        other => numeric(other),
    }
}

/// The operator kind of a numeric type after promotion.
pub(crate) fn number_type(number: Number) -> Type {
    match number {
        Number::I32 => Type::INT,
        Number::U32 => Type::UINT,
        Number::I64 => Type::LONG,
        Number::U64 => Type::ULONG,
        Number::F32 => Type::FLOAT,
        Number::F64 => Type::DOUBLE,
        Number::Decimal => Type::DECIMAL,
    }
}

/// Implicit numeric conversions.
pub(crate) fn widens(from: Numeric, to: Numeric) -> bool {
    use Numeric::{Char, Decimal, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};
    match from {
        I8 => matches!(to, I16 | I32 | I64 | F32 | F64 | Decimal),
        U8 => matches!(to, I16 | U16 | I32 | U32 | I64 | U64 | F32 | F64 | Decimal),
        I16 => matches!(to, I32 | I64 | F32 | F64 | Decimal),
        U16 | Char => {
            matches!(to, I32 | U32 | I64 | U64 | F32 | F64 | Decimal) || (from == Char && to == U16)
        }
        I32 => matches!(to, I64 | F32 | F64 | Decimal),
        U32 => matches!(to, I64 | U64 | F32 | F64 | Decimal),
        I64 | U64 => matches!(to, F32 | F64 | Decimal),
        F32 => to == F64,
        F64 | Decimal | Numeric::Enum(_) => false,
    }
}

/// The implicit standard conversion between two types.
pub(crate) fn implicit(from: &Type, to: &Type) -> Option<Standard> {
    if from == to {
        return Some(Standard::Identity);
    }
    if from.is_error() || to.is_error() {
        return Some(Standard::Identity);
    }
    if *from == Type::Null {
        return to.accepts_null().then_some(Standard::Reference);
    }
    if *from == Type::Void || *to == Type::Void {
        return None;
    }
    if let (Some(a), Some(b)) = (numeric(from), numeric(to)) {
        return widens(a, b).then_some(Standard::Numeric);
    }
    if let Some(inner) = to.nullable() {
        return match from.nullable() {
            Some(from) => implicit(from, inner).map(|c| Standard::Lift(Box::new(c))),
            None => match implicit(from, inner)? {
                Standard::Identity => Some(Standard::Wrap(Box::new(Standard::Identity))),
                Standard::Numeric => Some(Standard::Wrap(Box::new(Standard::Numeric))),
                _ => None,
            },
        };
    }
    if let (Type::Tuple(a), Type::Tuple(b)) = (from, to) {
        let fits =
            a.len() == b.len() && a.iter().zip(b.iter()).all(|((x, _), (y, _))| implicit(x, y).is_some());
        return fits.then_some(Standard::Tuple);
    }
    is_reference(from, to).then_some(Standard::Reference)
}

/// To a base class, an interface or object, boxing included: nothing to do at run time.
pub(crate) fn is_reference(from: &Type, to: &Type) -> bool {
    if *to == Type::OBJECT {
        return true;
    }
    if from == to {
        return true;
    }
    // A boxed nullable is the boxed value.
    let from = from.non_nullable();
    if from == to {
        return false;
    }
    if let (Type::Def(own), Type::Def(_)) = (from, to) {
        // Neither has arguments: nothing varies, and what the library noted of the type answers.
        return library().interfaces_of(*own).contains(to) || derives(*own, to);
    }
    if to.is_interface() {
        let interfaces = library().interfaces(from);
        return interfaces.iter().any(|i| i == to || variant(i, to))
            || (from.is_interface() && variant(from, to));
    }
    if let (Type::Array(a, x), Type::Array(b, y)) = (from, to) {
        return x == y && !a.is_value_type() && !b.is_value_type() && is_reference(a, b);
    }
    if from.is_delegate() && to.is_delegate() {
        return variant(from, to);
    }
    let mut base = library().base(from);
    while let Some(ty) = base {
        if ty == *to {
            return true;
        }
        base = library().base(&ty);
    }
    false
}

/// Whether a type without arguments has a class above it.
fn derives(own: DefId, to: &Type) -> bool {
    let mut base = library().get(own).base.as_ref();
    while let Some(above) = base {
        if above == to {
            return true;
        }
        base = above.def().and_then(|def| library().get(def).base.as_ref());
    }
    false
}

/// Whether a constructed interface or delegate converts by variance.
fn variant(from: &Type, to: &Type) -> bool {
    let (Type::Generic(a, x), Type::Generic(b, y)) = (from, to) else { return false };
    if a != b {
        return false;
    }
    let variance = &library().get(*a).variance;
    x.iter().zip(y.iter()).zip(variance).all(|((x, y), v)| {
        x == y
            || (*v > 0 && !x.is_value_type() && is_reference(x, y))
            || (*v < 0 && !y.is_value_type() && is_reference(y, x))
    })
}

/// A downcast, an unboxing or a cast between interfaces: checked at run time.
pub(crate) fn is_explicit_reference(from: &Type, to: &Type) -> bool {
    if is_reference(to, from) {
        return true;
    }
    let open = |ty: &Type| !(ty.is_value_type() || *ty == Type::STRING || matches!(ty, Type::Array(..)));
    if from.is_interface() {
        return to.is_interface() || open(to) || is_reference(to, from);
    }
    if to.is_interface() {
        return open(from);
    }
    if let (Type::Array(a, x), Type::Array(b, y)) = (from, to) {
        return x == y && !a.is_value_type() && !b.is_value_type() && is_explicit_reference(a, b);
    }
    false
}

/// The element type of a sequence.
pub(crate) fn element_type(ty: &Type) -> Option<Type> {
    if let Type::Array(element, _) = ty {
        return Some((**element).clone());
    }
    let of = |ty: &Type| match ty {
        Type::Generic(SEQUENCE, arguments) => arguments.first().cloned(),
        _ => None,
    };
    of(ty).or_else(|| library().interfaces(ty).iter().find_map(of))
}

/// A type and every class and interface above it.
pub(crate) fn supertypes(ty: &Type) -> Vec<Type> {
    let mut list = vec![ty.clone()];
    let mut base = library().base(ty);
    while let Some(ty) = base {
        base = library().base(&ty);
        list.push(ty);
    }
    list.extend(library().interfaces(ty));
    list
}
