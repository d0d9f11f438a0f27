//! Drops nested values by a loop: what a policy nests a hundred thousand deep must not overflow a worker's stack.

use std::any::Any;
use std::cell::{Cell, RefCell};

/// Containers dropped inside each other before the rest waits.
const DEPTH_MAX: u32 = 32;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static WAITING: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

/// Drops the content of a container. Every object that holds values hands them over here when it is dropped.
pub(crate) fn release<T: 'static>(content: T) {
    let depth = DEPTH.get();
    if depth >= DEPTH_MAX {
        return WAITING.with_borrow_mut(|waiting| waiting.push(Box::new(content)));
    }
    DEPTH.set(depth + 1);
    drop(content);
    DEPTH.set(depth);
    if depth > 0 {
        return;
    }
    while let Some(next) = WAITING.with_borrow_mut(Vec::pop) {
        DEPTH.set(1);
        drop(next);
        DEPTH.set(0);
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use crate::types::Type;
    use crate::value::{Array, Value};

    #[test]
    fn release_of_a_long_chain_needs_no_stack() {
        let mut value = Value::Null;
        for _ in 0..1_000_000 {
            value = Value::Array(Rc::new(Array::new(Type::OBJECT, vec![value])));
        }
        drop(value);
    }
}
