//! `switch` statements (C# specification §13.8.3).

use super::conversion::implicit;
use super::jump::SwitchLabels;
use super::{Binder, Bound, Val};
use crate::code::{Case, Node, Stmt as Code};
use crate::syntax::{Constant, Expr, Label, LabelKind, Pattern, Section};
use crate::types::Type;

/// What labels without `when` have taken so far.
#[derive(Default)]
struct Taken {
    constants: Vec<Constant>,
    types: Vec<Type>,
    has_default: bool,
}

impl Binder<'_> {
    pub(super) fn switch(&mut self, value: &Expr, sections: &[Section]) -> Code {
        let val = self.value(value);
        let ty = if val.ty == Type::Null { Type::OBJECT } else { val.ty.clone() };
        let variable = self.temporary(ty.clone());
        let labels = self.switch_labels(&ty, sections);
        let ids = labels.sections.clone();
        self.enclosing_switches.push(labels);
        self.switches += 1;
        let mut taken = Taken::default();
        let mut cases = Vec::with_capacity(sections.len());
        for (index, (section, id)) in sections.iter().zip(ids).enumerate() {
            let on = Val::new(Node::Local(variable), ty.clone());
            let is_last = index + 1 == sections.len();
            let (conditions, is_default, body) =
                self.scoped(|b| b.section(section, &on, &mut taken, is_last));
            cases.push(Case { label: id, conditions, is_default, body });
        }
        self.switches -= 1;
        self.enclosing_switches.pop();
        Code::Switch { value: val.node, variable, cases }
    }

    /// Where `goto case` and `goto default` lead: a number for each section, and the constants that lead to it.
    fn switch_labels(&mut self, ty: &Type, sections: &[Section]) -> SwitchLabels {
        let mut found = SwitchLabels {
            function: self.function,
            finallys: self.finallys,
            ty: ty.clone(),
            sections: Vec::new(),
            cases: Vec::new(),
            default: None,
        };
        for section in sections {
            let id = self.new_label();
            found.sections.push(id);
            for label in &section.labels {
                match &label.kind {
                    LabelKind::Default => found.default = Some(id),
                    LabelKind::Case(Pattern::Expr(expr), None) => {
                        let constant = self.attempt(|b| b.label_constant(expr, ty));
                        found.cases.extend(constant.flatten().map(|constant| (constant, id)));
                    }
                    LabelKind::Case(..) => {}
                }
            }
        }
        found
    }

    /// The constant of a label as a value of the switched type.
    pub(super) fn label_constant(&mut self, expr: &Expr, ty: &Type) -> Option<Constant> {
        let bound = self.expr(expr);
        if matches!(bound, Bound::Type(_)) {
            return None;
        }
        let val = self.as_value(bound, expr.span);
        if val.ty == Type::Null {
            return Some(Constant::Null);
        }
        let plain = ty.non_nullable();
        if *plain == Type::OBJECT || plain.is_interface() {
            return val.constant;
        }
        self.convert(Bound::Value(val), plain, expr.span).constant
    }

    fn section(
        &mut self,
        section: &Section,
        on: &Val,
        taken: &mut Taken,
        is_last: bool,
    ) -> (Vec<Node>, bool, Vec<Code>) {
        let mut conditions = Vec::new();
        let mut is_default = false;
        for label in &section.labels {
            match &label.kind {
                LabelKind::Default => {
                    is_default = true;
                    if std::mem::replace(&mut taken.has_default, true) {
                        self.duplicate(label, "default");
                    }
                }
                LabelKind::Case(pattern, when) => {
                    let test = self.pattern_test(on.clone(), pattern, label.span);
                    conditions.push(if let Some(when) = when {
                        Node::AndAlso(Box::new((test, self.condition(when).node)))
                    } else {
                        self.take(label, pattern, &on.ty, taken);
                        test
                    });
                }
            }
        }
        let body = self.statements(&section.body);
        if super::reach::completes(&body)
            && let Some(label) = section.labels.last()
        {
            let (code, message) = if is_last {
                (
                    "CS8070",
                    format!("Control cannot fall out of switch from final case label ('{}')", label.text),
                )
            } else {
                (
                    "CS0163",
                    format!("Control cannot fall through from one case label ('{}') to another", label.text),
                )
            };
            self.report(code, message, label.span);
        }
        (conditions, is_default, body)
    }

    /// CS0152 and CS8120: a label that an earlier one has taken.
    fn take(&mut self, label: &Label, pattern: &Pattern, ty: &Type, taken: &mut Taken) {
        match pattern {
            Pattern::Expr(expr) => {
                let Some(constant) = self.attempt(|b| b.label_constant(expr, ty)).flatten() else { return };
                if taken.constants.contains(&constant) {
                    let shown = super::constant::display(&constant);
                    self.duplicate(label, &shown);
                }
                taken.constants.push(constant);
            }
            Pattern::Type(written) | Pattern::Declaration(written, _) => {
                let own = if Self::is_var(written) {
                    Some(Type::OBJECT)
                } else {
                    self.attempt(|b| b.resolve(written))
                };
                let Some(own) = own.filter(|own| !own.is_error()) else { return };
                if taken.types.iter().any(|earlier| implicit(&own, earlier).is_some()) {
                    let message = "The switch case is unreachable. It has already been handled by a previous case or it is impossible to match.";
                    self.report("CS8120", message.to_owned(), label.span);
                }
                taken.types.push(own);
            }
        }
    }

    fn duplicate(&mut self, label: &Label, value: &str) {
        let message = format!("The switch statement contains multiple cases with the label value '{value}'");
        self.report("CS0152", message, label.span);
    }
}
