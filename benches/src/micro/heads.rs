//! Reading a request head.

use std::hint::black_box;
use std::sync::LazyLock;

use anyhow::Context;
use gateway_benches::workload::Workload;
use gateway_policy::message::Scheme;
use gateway_proxy::wire::{HeadLimits, HeadScan, ReadBuffer, RequestContext, RequestHead};

use crate::timing::Measure;

const CONTEXT: RequestContext<'_> =
    RequestContext { scheme: Scheme::Http, default_host: "127.0.0.1", default_port: 80 };

/// W4's first request; made once, not in what is measured.
static REQUEST: LazyLock<Vec<u8>> = LazyLock::new(|| Workload::W4.requests().swap_remove(0));

/// The head of that request.
pub fn example() -> anyhow::Result<RequestHead> {
    read(&mut ReadBuffer::new(), &REQUEST).context("the workload's request is malformed")
}

fn read(buffer: &mut ReadBuffer, bytes: &[u8]) -> Option<RequestHead> {
    buffer.extend(bytes);
    buffer.take_request(&mut HeadScan::default(), &HeadLimits::default(), &CONTEXT).ok().flatten()
}

pub fn rows(measure: &mut Measure<'_>) -> anyhow::Result<()> {
    example()?;
    let mut buffer = ReadBuffer::new();
    measure("request head, 5 fields", &mut || {
        black_box(read(&mut buffer, black_box(&REQUEST)));
    });
    Ok(())
}
