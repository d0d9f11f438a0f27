//! `choose`: the first branch whose condition holds (`policies.md` C §2).

use std::sync::Arc;

use crate::catalogue::{ALL, Content, Kind, MANY, PolicyDef, child, required};
use crate::compile::arguments::BoolArg;
use crate::compile::{Compiler, numbered};
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::pipeline::{AsyncPolicy, Block, Flow, Policy, SharedExchange, Step};
use crate::ports::{LocalFuture, Ports, boxed};
use crate::xml::Element;

pub static CHOOSE: PolicyDef = PolicyDef {
    element: "choose",
    sections: ALL,
    attributes: &[],
    content: Content::Sequence(&[
        child("when", (1, MANY), &[required("condition", Kind::Bool).expression()], Content::Policies),
        child("otherwise", (0, 1), &[], Content::Policies),
    ]),
    once: false,
    docs: "Runs the statements of the first `when` whose `condition` is true, else those of `otherwise`.",
    compile,
};

struct Choose {
    whens: Vec<When>,
    otherwise: Block,
}

struct When {
    condition: BoolArg,
    block: Block,
    /// For a condition that throws: `choose[3]/when[2]`.
    path: Arc<str>,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let mut choose = Choose { whens: Vec::new(), otherwise: Block::default() };
    for (branch, index) in numbered(element) {
        // Conditions of all branches count for the statement's needs; what the branches read, they buffer.
        let condition = c.boolean(branch, "condition");
        let (block, path) = c.within(branch, index, |c| (c.block(branch), c.path()));
        match condition {
            Some(condition) => choose.whens.push(When { condition, block, path }),
            None => choose.otherwise = block,
        }
    }
    if c.findings() != before {
        return None;
    }
    let is_sync = choose.otherwise.is_sync() && choose.whens.iter().all(|when| when.block.is_sync());
    Some(if is_sync { Step::sync(choose) } else { Step::waiting(choose) })
}

impl Choose {
    fn branch(&self, exchange: &Exchange) -> Result<&Block, Fault> {
        for When { condition, block, path } in &self.whens {
            let holds = condition.get(exchange).map_err(|mut fault| {
                (**path).clone_into(&mut fault.error.path);
                fault
            });
            if holds? {
                return Ok(block);
            }
        }
        Ok(&self.otherwise)
    }
}

impl Policy for Choose {
    fn apply(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        self.branch(exchange)?.run_sync(exchange, ports)
    }
}

impl AsyncPolicy for Choose {
    fn apply<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        ports: &'a dyn Ports,
    ) -> LocalFuture<'a, Result<Flow, Fault>> {
        boxed(move || async move {
            let block = self.branch(exchange)?;
            exchange.settle_bodies();
            block.run(exchange, ports).await
        })
    }

    fn apply_beside<'a, 'e: 'a>(
        &'a self,
        exchange: &'a SharedExchange<'e>,
        ports: &'a dyn Ports,
    ) -> LocalFuture<'a, Result<Flow, Fault>> {
        boxed(move || async move {
            let block = {
                let exchange = &mut **exchange.lock().await;
                let block = self.branch(exchange)?;
                exchange.settle_bodies();
                block
            };
            block.run_beside(exchange, ports).await
        })
    }
}
