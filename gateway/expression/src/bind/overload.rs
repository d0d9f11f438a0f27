//! Overload resolution (C# specification §12.6.4).

use super::argument::{Arg, Mapping, map, parameter_type};
use super::conversion::{implicit, numeric};
use super::{Binder, Bound, Candidate};
use crate::code::Numeric;
use crate::syntax::LambdaBody;
use crate::types::{Parameter, Type, library};

/// A candidate that takes the arguments.
#[derive(Clone, Debug)]
pub(super) struct Applicable {
    pub candidate: Candidate,
    pub mapping: Mapping,
    /// Type arguments of the method.
    pub method: Vec<Type>,
    /// Parameter types with all arguments in place.
    pub types: Vec<Type>,
}

/// Why no candidate was chosen.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing takes this number of arguments, or these names.
    Count,
    /// The nearest candidate and the argument that does not fit.
    Argument {
        index: usize,
        ty: Type,
    },
    /// Types could not be inferred.
    Inference,
    Ambiguous(Candidate, Candidate),
}

impl Binder<'_> {
    pub(super) fn choose_overload(
        &mut self,
        candidates: &[Candidate],
        args: &[Arg],
        explicit: &[Type],
    ) -> Result<Applicable, Failure> {
        let mut failure = Failure::Count;
        self.partial = None;
        let mut found: Vec<Applicable> = Vec::new();
        for candidate in candidates {
            let generic = candidate.member.type_parameters as usize;
            if !explicit.is_empty() && generic != explicit.len() {
                continue;
            }
            match self.applicable(candidate, args, explicit) {
                Ok(applicable) => found.push(applicable),
                Err(why) => failure = worse(failure, why),
            }
        }
        // Methods of a base type do not count when a derived type has one that fits.
        let owners: Vec<_> = found.iter().map(|a| a.candidate.member.owner).collect();
        found.retain(|a| {
            let own = a.candidate.member.owner;
            !owners.iter().any(|other| *other != own && library().derives(*other, own))
        });
        let Some(best) = self.best(&found, args) else {
            return Err(match found.as_slice() {
                [] => failure,
                [first, second, ..] => Failure::Ambiguous(first.candidate.clone(), second.candidate.clone()),
                [only] => return Ok(only.clone()),
            });
        };
        Ok(best)
    }

    fn applicable(
        &mut self,
        candidate: &Candidate,
        args: &[Arg],
        explicit: &[Type],
    ) -> Result<Applicable, Failure> {
        let parameters = &candidate.member.parameters;
        let mut failure = Failure::Count;
        if let Some(mapping) = map(parameters, args, false) {
            match self.applicable_in_form(candidate, args, explicit, mapping) {
                Ok(found) => return Ok(found),
                Err(why) => failure = worse(failure, why),
            }
        }
        if parameters.last().is_some_and(|p| p.is_params)
            && let Some(mapping) = map(parameters, args, true)
        {
            return self
                .applicable_in_form(candidate, args, explicit, mapping)
                .map_err(|why| worse(failure, why));
        }
        Err(failure)
    }

    fn applicable_in_form(
        &mut self,
        candidate: &Candidate,
        args: &[Arg],
        explicit: &[Type],
        mapping: Mapping,
    ) -> Result<Applicable, Failure> {
        let generic = candidate.member.type_parameters as usize;
        let open: Vec<Type> =
            candidate.member.parameters.iter().map(|p| p.ty.substitute(&candidate.class, &[])).collect();
        let method = if generic == 0 {
            Vec::new()
        } else if explicit.is_empty() {
            self.infer(generic, &open, &mapping, args).ok_or(Failure::Inference)?
        } else {
            explicit.to_vec()
        };
        let types: Vec<Type> = open.iter().map(|ty| ty.substitute(&[], &method)).collect();
        for (index, arg) in args.iter().enumerate() {
            let ty = parameter_type(&types, &mapping, index);
            let parameter = mapping.of_argument.get(index).and_then(|i| candidate.member.parameters.get(*i));
            let Some(parameter) = parameter else { return Err(Failure::Count) };
            if !self.fits(arg, parameter, &ty) {
                return Err(Failure::Argument { index, ty });
            }
        }
        Ok(Applicable { candidate: candidate.clone(), mapping, method, types })
    }

    /// The candidate that is better than every other.
    fn best(&mut self, found: &[Applicable], args: &[Arg]) -> Option<Applicable> {
        let mut best: Option<usize> = None;
        for (index, candidate) in found.iter().enumerate() {
            let mut wins = true;
            for (other_index, other) in found.iter().enumerate() {
                if index != other_index && !self.is_better(candidate, other, args) {
                    wins = false;
                    break;
                }
            }
            if wins {
                best = Some(index);
                break;
            }
        }
        best.and_then(|index| found.get(index).cloned())
    }

    fn is_better(&mut self, a: &Applicable, b: &Applicable, args: &[Arg]) -> bool {
        let (mut better, mut worse) = (false, false);
        for (index, arg) in args.iter().enumerate() {
            let x = parameter_type(&a.types, &a.mapping, index);
            let y = parameter_type(&b.types, &b.mapping, index);
            match self.better_conversion(arg, &x, &y) {
                1 => better = true,
                -1 => worse = true,
                _ => {}
            }
        }
        if better != worse {
            return better;
        }
        if worse {
            return false;
        }
        let same = (0..args.len())
            .all(|i| parameter_type(&a.types, &a.mapping, i) == parameter_type(&b.types, &b.mapping, i));
        same && tie_break(a, b)
    }

    /// 1 when the first type is the better target for the argument, -1 when the second is.
    fn better_conversion(&mut self, arg: &Arg, x: &Type, y: &Type) -> i32 {
        if x == y {
            return 0;
        }
        match &arg.bound {
            Bound::Value(val) => {
                if val.ty == *x {
                    return 1;
                }
                if val.ty == *y {
                    return -1;
                }
            }
            Bound::Lambda(lambda, _) => {
                if let (Some((dx, rx)), Some((dy, ry))) = (delegate(x), delegate(y))
                    && dx == dy
                {
                    if let (LambdaBody::Expr(_) | LambdaBody::Block(..), Some(own)) =
                        (&lambda.body, self.lambda_result(lambda, &dx))
                    {
                        if own == rx && own != ry {
                            return 1;
                        }
                        if own == ry && own != rx {
                            return -1;
                        }
                    }
                    if rx == Type::Void || ry == Type::Void {
                        return if ry == Type::Void { 1 } else { -1 };
                    }
                    return better_target(&rx, &ry);
                }
            }
            _ => {}
        }
        better_target(x, y)
    }
}

/// Parameters and result of a delegate type.
pub(super) fn delegate(ty: &Type) -> Option<(Vec<Type>, Type)> {
    let def = ty.def()?;
    let (result, parameters) = library().get(def).delegate.as_ref()?;
    let arguments = ty.arguments();
    Some((
        parameters.iter().map(|p| p.substitute(arguments, &[])).collect(),
        result.substitute(arguments, &[]),
    ))
}

fn better_target(x: &Type, y: &Type) -> i32 {
    let (to_y, to_x) = (implicit(x, y).is_some(), implicit(y, x).is_some());
    if to_y && !to_x {
        return 1;
    }
    if to_x && !to_y {
        return -1;
    }
    let signed = |ty: &Type| {
        matches!(numeric(ty.non_nullable()), Some(Numeric::I8 | Numeric::I16 | Numeric::I32 | Numeric::I64))
    };
    let unsigned = |ty: &Type| {
        matches!(numeric(ty.non_nullable()), Some(Numeric::U8 | Numeric::U16 | Numeric::U32 | Numeric::U64))
    };
    if signed(x) && unsigned(y) {
        return 1;
    }
    if unsigned(x) && signed(y) {
        return -1;
    }
    0
}

/// Between candidates whose parameters are alike.
fn tie_break(a: &Applicable, b: &Applicable) -> bool {
    let (x, y) = (a.candidate.member, b.candidate.member);
    let generic = |m: &crate::types::MemberDef| m.type_parameters > 0;
    if generic(x) != generic(y) {
        return !generic(x);
    }
    if a.mapping.expanded != b.mapping.expanded {
        return !a.mapping.expanded;
    }
    let count = |m: &crate::types::MemberDef| m.parameters.len();
    if a.mapping.expanded && count(x) != count(y) {
        return count(x) > count(y);
    }
    let complete = |a: &Applicable| a.mapping.of_argument.len() >= a.candidate.member.parameters.len();
    if complete(a) != complete(b) {
        return complete(a);
    }
    more_specific(&x.parameters, &y.parameters)
}

/// Whether the declared types are at least as specific everywhere and more so somewhere.
fn more_specific(x: &[Parameter], y: &[Parameter]) -> bool {
    let mut more = false;
    for (a, b) in x.iter().zip(y) {
        match specific(&a.ty, &b.ty) {
            1 => more = true,
            -1 => return false,
            _ => {}
        }
    }
    more
}

fn specific(x: &Type, y: &Type) -> i32 {
    let parameter = |ty: &Type| matches!(ty, Type::MethodParam(_) | Type::ClassParam(_));
    match (parameter(x), parameter(y)) {
        (false, true) => return 1,
        (true, false) => return -1,
        _ => {}
    }
    match (x, y) {
        (Type::Generic(a, p), Type::Generic(b, q)) if a == b => {
            let parts: Vec<i32> = p.iter().zip(q.iter()).map(|(x, y)| specific(x, y)).collect();
            if parts.contains(&1) && !parts.contains(&-1) {
                1
            } else if parts.contains(&-1) && !parts.contains(&1) {
                -1
            } else {
                0
            }
        }
        (Type::Array(a, _), Type::Array(b, _)) => specific(a, b),
        _ => 0,
    }
}

/// The failure that tells more.
fn worse(a: Failure, b: Failure) -> Failure {
    let rank = |f: &Failure| match f {
        Failure::Count => 0,
        Failure::Inference => 1,
        Failure::Argument { .. } => 2,
        Failure::Ambiguous(..) => 3,
    };
    if rank(&b) > rank(&a) { b } else { a }
}
