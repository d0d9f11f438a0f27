//! Labels and `goto` (C# specification §13.5, §13.10.4).

use std::sync::Arc;

use super::Binder;
use crate::code::Stmt as Code;
use crate::span::Span;
use crate::syntax::{Constant, Goto, Name, Stmt, StmtKind};
use crate::types::Type;

/// A label in scope.
#[derive(Debug)]
pub(super) struct LabelInfo {
    name: Arc<str>,
    id: u32,
    function: u32,
    /// How many `finally` blocks stand around it.
    finallys: u32,
}

/// The labels of an enclosing `switch`.
#[derive(Debug)]
pub(super) struct SwitchLabels {
    pub function: u32,
    pub finallys: u32,
    /// Of the value that is switched on.
    pub ty: Type,
    /// A label for each section.
    pub sections: Vec<u32>,
    pub cases: Vec<(Constant, u32)>,
    pub default: Option<u32>,
}

impl Binder<'_> {
    pub(super) fn new_label(&mut self) -> u32 {
        self.label_count += 1;
        self.label_count
    }

    /// Brings the labels of a block into scope.
    pub(super) fn declare_labels(&mut self, list: &[Stmt]) {
        let outer = self.labels.len();
        for stmt in list {
            let StmtKind::Label(name) = &stmt.kind else { continue };
            let known = self.labels.iter().rposition(|l| l.name == name.text && l.function == self.function);
            if let Some(known) = known {
                let (code, message) = if known >= outer {
                    ("CS0140", format!("The label '{}' is a duplicate", name.text))
                } else {
                    let text = &name.text;
                    (
                        "CS0158",
                        format!(
                            "The label '{text}' shadows another label by the same name in a contained scope"
                        ),
                    )
                };
                self.report(code, message, name.span);
                continue;
            }
            let id = self.new_label();
            self.labels.push(LabelInfo {
                name: Arc::clone(&name.text),
                id,
                function: self.function,
                finallys: self.finallys,
            });
        }
    }

    fn find_label(&self, name: &Name) -> Option<&LabelInfo> {
        self.labels.iter().rev().find(|l| l.name == name.text && l.function == self.function)
    }

    pub(super) fn label(&self, name: &Name) -> Code {
        self.find_label(name).map_or(Code::Block(Vec::new()), |label| Code::Label(label.id))
    }

    pub(super) fn goto(&mut self, goto: &Goto, span: Span) -> Code {
        let found = match goto {
            Goto::Label(name) => match self.find_label(name).map(|l| (l.id, l.finallys)) {
                Some(found) => Some(found),
                None => self.no_label(&name.text, name.span),
            },
            Goto::Case(_) | Goto::Default => self.goto_section(goto, span),
        };
        // A label that is missing was reported: nothing follows a jump to nowhere.
        let Some((id, finallys)) = found else { return Code::Goto(0) };
        if finallys < self.finallys {
            self.report("CS0157", "Control cannot leave the body of a finally clause".to_owned(), span);
        }
        Code::Goto(id)
    }

    fn no_label(&mut self, text: &str, span: Span) -> Option<(u32, u32)> {
        let message = format!("No such label '{text}' within the scope of the goto statement");
        self.report("CS0159", message, span);
        None
    }

    fn goto_section(&mut self, goto: &Goto, span: Span) -> Option<(u32, u32)> {
        let Some(index) = self.enclosing_switches.iter().rposition(|s| s.function == self.function) else {
            let message = "A goto case is only valid inside a switch statement".to_owned();
            self.report("CS0153", message, span);
            return None;
        };
        let Goto::Case(expr) = goto else {
            let switch = self.enclosing_switches.get(index)?;
            return match switch.default {
                Some(id) => Some((id, switch.finallys)),
                None => self.no_label("default:", span),
            };
        };
        let ty = self.enclosing_switches.get(index)?.ty.clone();
        let before = self.reports.len();
        let Some(constant) = self.label_constant(expr, &ty) else {
            if self.reports.len() == before {
                self.report("CS0150", "A constant value is expected".to_owned(), expr.span);
            }
            return None;
        };
        let switch = self.enclosing_switches.get(index)?;
        match switch.cases.iter().find(|(known, _)| *known == constant) {
            Some((_, id)) => Some((*id, switch.finallys)),
            None => self.no_label(&format!("case {}:", super::constant::display(&constant)), span),
        }
    }
}
