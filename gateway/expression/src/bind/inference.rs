//! Type arguments from arguments (C# specification §12.6.3).

use super::argument::{Arg, Mapping, parameter_type};
use super::conversion::{implicit, supertypes};
use super::overload::delegate;
use super::user::declares_implicit;
use super::{Binder, Bound};
use crate::types::{ICOLLECTION, ILIST, IREADONLY_COLLECTION, IREADONLY_LIST, SEQUENCE, Type, library};

#[derive(Clone, Debug, Default)]
struct Bounds {
    exact: Vec<Type>,
    lower: Vec<Type>,
    upper: Vec<Type>,
    fixed: Option<Type>,
}

impl Bounds {
    fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.lower.is_empty() && self.upper.is_empty()
    }

    /// The type that all bounds allow.
    fn choose(&self) -> Option<Type> {
        self.choose_by(&|from, to| implicit(from, to).is_some()).or_else(|| {
            self.choose_by(&|from, to| implicit(from, to).is_some() || declares_implicit(from, to))
        })
    }

    fn choose_by(&self, converts: &dyn Fn(&Type, &Type) -> bool) -> Option<Type> {
        let mut pool: Vec<Type> = Vec::new();
        for ty in self.exact.iter().chain(&self.lower).chain(&self.upper) {
            if !pool.contains(ty) {
                pool.push(ty.clone());
            }
        }
        pool.retain(|ty| {
            self.exact.iter().all(|e| e == ty)
                && self.lower.iter().all(|l| converts(l, ty))
                && self.upper.iter().all(|u| converts(ty, u))
        });
        let best = pool.iter().find(|ty| pool.iter().all(|other| converts(other, ty)))?;
        Some(best.clone())
    }
}

/// The inference of one call.
struct Inference {
    bounds: Vec<Bounds>,
}

impl Inference {
    fn fixed(&self) -> Vec<Type> {
        self.bounds
            .iter()
            .enumerate()
            .map(|(index, b)| b.fixed.clone().unwrap_or(Type::MethodParam(index as u8)))
            .collect()
    }

    fn add(&mut self, index: u8, pick: impl FnOnce(&mut Bounds) -> &mut Vec<Type>, ty: &Type) {
        if let Some(bounds) = self.bounds.get_mut(index as usize)
            && bounds.fixed.is_none()
            && *ty != Type::Null
            && !ty.is_error()
            && *ty != Type::Void
        {
            let list = pick(bounds);
            if !list.contains(ty) {
                list.push(ty.clone());
            }
        }
    }

    fn exact(&mut self, from: &Type, to: &Type) {
        match (from, to) {
            (_, Type::MethodParam(index)) => self.add(*index, |b| &mut b.exact, from),
            (Type::Array(a, x), Type::Array(b, y)) if x == y => self.exact(a, b),
            (Type::Generic(a, x), Type::Generic(b, y)) if a == b => {
                for (x, y) in x.iter().zip(y.iter()) {
                    self.exact(x, y);
                }
            }
            (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => {
                for ((x, _), (y, _)) in a.iter().zip(b.iter()) {
                    self.exact(x, y);
                }
            }
            _ => {}
        }
    }

    fn lower(&mut self, from: &Type, to: &Type) {
        match (from, to) {
            (_, Type::MethodParam(index)) => self.add(*index, |b| &mut b.lower, from),
            (Type::Array(a, x), Type::Array(b, y)) if x == y => self.by_kind(a, b, 1),
            (Type::Array(a, 1), Type::Generic(def, y)) if is_array_interface(*def) => {
                if let Some(y) = y.first() {
                    self.by_kind(a, y, 1);
                }
            }
            (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => {
                for ((x, _), (y, _)) in a.iter().zip(b.iter()) {
                    self.lower(x, y);
                }
            }
            (_, Type::Generic(def, arguments)) => {
                if to.nullable().is_some() {
                    if let (Some(x), Some(y)) = (from.nullable(), to.nullable()) {
                        self.lower(x, y);
                    }
                    return;
                }
                let found: Vec<Type> =
                    supertypes(from).into_iter().filter(|ty| ty.def() == Some(*def)).collect();
                let [only] = found.as_slice() else { return };
                let variance = &library().get(*def).variance;
                for ((x, y), v) in only.arguments().iter().zip(arguments.iter()).zip(variance) {
                    self.by_kind(x, y, *v);
                }
            }
            _ => {}
        }
    }

    fn upper(&mut self, from: &Type, to: &Type) {
        match (from, to) {
            (_, Type::MethodParam(index)) => self.add(*index, |b| &mut b.upper, from),
            _ => self.exact(from, to),
        }
    }

    /// By variance, where value types are always exact.
    fn by_kind(&mut self, from: &Type, to: &Type, variance: i8) {
        if from.is_value_type() || variance == 0 {
            return self.exact(from, to);
        }
        if variance > 0 { self.lower(from, to) } else { self.upper(from, to) }
    }

    fn is_fixed(&self, ty: &Type) -> bool {
        !ty.substitute(&[], &self.fixed()).is_open()
    }

    fn fix(&mut self, index: usize) -> bool {
        let Some(bounds) = self.bounds.get_mut(index) else { return false };
        if bounds.fixed.is_some() || bounds.is_empty() {
            return false;
        }
        match bounds.choose() {
            Some(ty) => {
                bounds.fixed = Some(ty);
                true
            }
            None => false,
        }
    }
}

fn is_array_interface(def: crate::types::DefId) -> bool {
    [SEQUENCE, ILIST, ICOLLECTION, IREADONLY_LIST, IREADONLY_COLLECTION].contains(&def)
}

fn mentions(ty: &Type, index: usize) -> bool {
    match ty {
        Type::MethodParam(i) => *i as usize == index,
        Type::Generic(_, arguments) => arguments.iter().any(|a| mentions(a, index)),
        Type::Array(element, _) => mentions(element, index),
        Type::Tuple(items) => items.iter().any(|(t, _)| mentions(t, index)),
        _ => false,
    }
}

impl Binder<'_> {
    /// The type arguments that the call's arguments imply.
    pub(super) fn infer(
        &mut self,
        count: usize,
        open: &[Type],
        mapping: &Mapping,
        args: &[Arg],
    ) -> Option<Vec<Type>> {
        let mut inference = Inference { bounds: vec![Bounds::default(); count] };
        let pairs: Vec<(&Arg, Type)> =
            args.iter().enumerate().map(|(i, arg)| (arg, parameter_type(open, mapping, i))).collect();
        for (arg, ty) in &pairs {
            self.first_phase(&mut inference, arg, ty);
        }
        let mut done = vec![false; pairs.len()];
        // Each round fixes at least one parameter or gives up.
        for _ in 0..=count {
            if inference.bounds.iter().all(|b| b.fixed.is_some()) {
                break;
            }
            let free: Vec<usize> = (0..count).filter(|i| !depends(&inference, &pairs, *i)).collect();
            let mut progress = false;
            for index in free {
                progress |= inference.fix(index);
            }
            if !progress {
                for index in 0..count {
                    progress |= inference.fix(index);
                }
            }
            progress |= self.outputs(&mut inference, &pairs, &mut done);
            if !progress {
                self.remember_partial(&inference, &pairs);
                return None;
            }
        }
        let fixed: Option<Vec<Type>> = inference.bounds.iter().map(|b| b.fixed.clone()).collect();
        fixed
    }

    /// Keeps what is known of the first lambda whose parameters are: its body may say what is wrong.
    fn remember_partial(&mut self, inference: &Inference, pairs: &[(&Arg, Type)]) {
        let fixed = inference.fixed();
        let found = pairs.iter().enumerate().find_map(|(index, (arg, ty))| {
            let (parameters, _) = delegate(ty)?;
            let Bound::Lambda(lambda, _) = &arg.bound else { return None };
            let known = lambda.parameters.len() == parameters.len()
                && parameters.iter().all(|p| inference.is_fixed(p));
            known.then(|| (index, parameters.iter().map(|p| p.substitute(&[], &fixed)).collect()))
        });
        if found.is_some() {
            self.partial = found;
        }
    }

    fn first_phase(&mut self, inference: &mut Inference, arg: &Arg, ty: &Type) {
        match &arg.bound {
            Bound::Value(val) => {
                let by_reference = matches!(arg.mode, crate::syntax::Mode::Out | crate::syntax::Mode::Ref);
                if by_reference { inference.exact(&val.ty, ty) } else { inference.lower(&val.ty, ty) }
            }
            Bound::Declaration(Some(declared), _) => inference.exact(declared, ty),
            Bound::Tuple(items) => {
                if let Some(natural) = self.natural_tuple(items) {
                    inference.lower(&natural, ty);
                }
            }
            Bound::Lambda(lambda, _) => {
                let Some((parameters, _)) = delegate(ty) else { return };
                for (written, open) in lambda.parameters.iter().zip(&parameters) {
                    if let Some(written) = &written.ty
                        && let Some(ty) = self.attempt(|b| b.resolve(written))
                    {
                        inference.exact(&ty, open);
                    }
                }
            }
            _ => {}
        }
    }

    /// Results of lambdas and method groups whose inputs are known by now.
    fn outputs(&mut self, inference: &mut Inference, pairs: &[(&Arg, Type)], done: &mut [bool]) -> bool {
        let mut progress = false;
        for ((arg, ty), done) in pairs.iter().zip(done.iter_mut()) {
            if *done {
                continue;
            }
            let Some((parameters, result)) = delegate(ty) else { continue };
            if !result.is_open() || !parameters.iter().all(|p| inference.is_fixed(p)) {
                continue;
            }
            let fixed = inference.fixed();
            let inputs: Vec<Type> = parameters.iter().map(|p| p.substitute(&[], &fixed)).collect();
            let found = match &arg.bound {
                Bound::Lambda(lambda, _) => self.lambda_result(lambda, &inputs),
                Bound::Methods(group) => self.group_result(group, &inputs),
                _ => continue,
            };
            *done = true;
            if let Some(found) = found {
                inference.lower(&found, &result);
                progress = true;
            }
        }
        progress
    }
}

/// Whether a parameter is an output of a lambda whose inputs are not all known.
fn depends(inference: &Inference, pairs: &[(&Arg, Type)], index: usize) -> bool {
    pairs.iter().any(|(arg, ty)| {
        if !matches!(arg.bound, Bound::Lambda(..) | Bound::Methods(_)) {
            return false;
        }
        match delegate(ty) {
            Some((parameters, result)) => {
                mentions(&result, index) && !parameters.iter().all(|p| inference.is_fixed(p))
            }
            None => false,
        }
    })
}
