//! Runs the general form under budgets (expressions.md §9.2, §9.4; reliability-security.md §4.3).

mod arithmetic;
mod call;
mod condition;
mod convert;
mod evaluate;
mod execute;
mod fault;
mod integer;
mod sequence;

pub(crate) use arithmetic::{binary, compare, complement, negate};
pub(crate) use convert::numeric as convert_numeric;
pub(crate) use evaluate::{cast, constant_value};
pub use fault::{Fault, Limit, Thrown};
pub use sequence::Iter;
pub(crate) use sequence::ValuesIter;

pub use call::Closure;

use std::cell::Cell;
use std::time::Duration;

use crate::code::Program;
use crate::host::Host;
use crate::text::Text;
use crate::value::{Cycles, Value};

/// Budgets of one evaluation.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Calls, loop rounds and units of native work. Default 1,000,000.
    pub steps: u64,
    /// Bytes of strings, arrays and objects made. Default 16 MiB.
    pub memory_bytes: u64,
    /// Nested calls of lambdas and local functions. Default 64.
    pub depth: u32,
    /// UTF-16 units of one string. Default 4 Mi.
    pub string_units: usize,
    /// Elements of one collection. Default 100,000.
    pub elements: usize,
    /// Time of the thread's CPU. Default 100 ms.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 1_000_000,
            memory_bytes: 16 << 20,
            depth: 64,
            string_units: 4 << 20,
            elements: 100_000,
            time: Duration::from_millis(100),
        }
    }
}

/// One evaluation.
pub struct Vm<'a> {
    pub(crate) host: &'a dyn Host,
    pub(crate) program: &'a Program,
    limits: &'a Limits,
    steps_left: u64,
    memory_left: u64,
    depth: u32,
    height: u32,
    /// Sequences at work inside each other.
    nesting: u32,
    /// The thread's CPU time at the first look at it.
    started: Option<Duration>,
    /// Work until the next look at the clock.
    until_look: u64,
    stack: Vec<Value>,
    base: usize,
    /// What expressions noted on JSON and XML nodes.
    pub(crate) annotations: crate::types::Annotations,
    /// Exceptions that handlers are at work on, for `throw;`.
    handled: Vec<std::rc::Rc<Thrown>>,
    result: Value,
    /// Containers that may hold themselves.
    cycles: Cycles,
}

thread_local! {
    /// The stack of the last evaluation, empty, for the next one.
    static STACK: Cell<Vec<Value>> = const { Cell::new(Vec::new()) };
}

/// Largest stack that is kept.
const STACK_KEPT: usize = 1024;

impl Drop for Vm<'_> {
    fn drop(&mut self) {
        self.stack.clear();
        if self.stack.capacity() <= STACK_KEPT {
            STACK.set(std::mem::take(&mut self.stack));
        }
    }
}

/// Units of work, steps and what native calls may go through, between looks at the clock.
const LOOK_WORK: u64 = 4096;

/// Nested nodes over all calls: what the native stack of a worker can bear.
const HEIGHT_MAX: u32 = 1200;

impl<'a> Vm<'a> {
    pub(crate) fn new(host: &'a dyn Host, program: &'a Program, limits: &'a Limits) -> Self {
        Self {
            host,
            program,
            limits,
            steps_left: limits.steps,
            memory_left: limits.memory_bytes,
            depth: 0,
            height: 0,
            nesting: 0,
            started: None,
            until_look: LOOK_WORK,
            stack: STACK.take(),
            base: 0,
            annotations: crate::types::Annotations::default(),
            handled: Vec::new(),
            result: Value::Null,
            cycles: Cycles::default(),
        }
    }

    /// The containers noted in this evaluation.
    pub(crate) fn take_cycles(&mut self) -> Cycles {
        std::mem::take(&mut self.cycles)
    }

    /// Charges work.
    #[inline]
    pub(crate) fn steps(&mut self, count: u64) -> Result<(), Fault> {
        let Some(left) = self.steps_left.checked_sub(count) else { return Err(Fault::Limit(Limit::Steps)) };
        self.steps_left = left;
        self.work(count)
    }

    /// Notes work that costs no steps: what makes the clock be looked at sooner.
    #[inline]
    pub(crate) fn work(&mut self, units: u64) -> Result<(), Fault> {
        match self.until_look.checked_sub(units) {
            Some(left) => {
                self.until_look = left;
                Ok(())
            }
            None => self.look_at_clock(),
        }
    }

    #[cold]
    fn look_at_clock(&mut self) -> Result<(), Fault> {
        self.until_look = LOOK_WORK;
        let now = cpu_time();
        let started = *self.started.get_or_insert(now);
        if now.saturating_sub(started) > self.limits.time { Err(Fault::Limit(Limit::Time)) } else { Ok(()) }
    }

    /// Steps that may still be spent: natives that search ask before they do.
    pub(crate) fn steps_left(&self) -> usize {
        usize::try_from(self.steps_left).unwrap_or(usize::MAX)
    }

    /// Charges memory.
    pub(crate) fn charge(&mut self, bytes: usize) -> Result<(), Fault> {
        match self.memory_left.checked_sub(bytes as u64) {
            Some(left) => {
                self.memory_left = left;
                Ok(())
            }
            None => Err(Fault::Limit(Limit::Memory)),
        }
    }

    /// Bytes that may still be made: natives that grow ask before they do.
    pub(crate) fn memory_left(&self) -> usize {
        usize::try_from(self.memory_left).unwrap_or(usize::MAX)
    }

    /// Checks and charges a collection's size.
    pub(crate) fn elements(&mut self, count: usize) -> Result<(), Fault> {
        if count > self.limits.elements {
            return Err(Fault::Limit(Limit::Elements));
        }
        self.charge(count.saturating_mul(8))
    }

    /// Most elements of one collection.
    pub(crate) fn elements_max(&self) -> usize {
        self.limits.elements
    }

    /// Whether a string of so many bytes may be made: asked before it is.
    pub(crate) fn may_make(&self, bytes: usize) -> Result<(), Fault> {
        if bytes > self.limits.string_units {
            return Err(Fault::Limit(Limit::StringLength));
        }
        if bytes > self.memory_left() { Err(Fault::Limit(Limit::Memory)) } else { Ok(()) }
    }

    /// Whether a value can be enumerated as content of a container.
    pub(crate) fn is_sequence(&self, value: &Value) -> bool {
        let sequence = crate::types::Type::IENUMERABLE;
        !matches!(value, Value::Str(_)) && crate::types::is_instance(value, &sequence)
    }

    /// A new string, charged.
    pub(crate) fn text(&mut self, text: impl Into<Text>) -> Result<Value, Fault> {
        let text = text.into();
        if text.bytes() > self.limits.string_units {
            return Err(Fault::Limit(Limit::StringLength));
        }
        self.charge(text.bytes())?;
        Ok(Value::Str(text))
    }

    /// `ToString()` of any value.
    #[expect(clippy::wrong_self_convention, reason = "the text is the value's, the machine only pays for it")]
    pub(crate) fn to_text(&mut self, value: &Value) -> Result<Text, Fault> {
        let text = value.text_with(self.host);
        if !matches!(value, Value::Str(_)) {
            self.charge(text.bytes())?;
        }
        Ok(text)
    }
}

/// Time that the thread has spent on a CPU: what the machine does besides does not count.
fn cpu_time() -> Duration {
    let clock = nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID;
    nix::time::clock_gettime(clock).map_or(Duration::ZERO, Duration::from)
}

/// The number that an integral, character or enumeration constant is.
pub(crate) fn constant_number(constant: &crate::syntax::Constant) -> Option<i64> {
    constant_value(constant).as_i64()
}
