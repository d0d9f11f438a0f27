//! Reading a request head.

use std::hint::black_box;

use anyhow::Context;
use gateway_benches::workload::Workload;
use gateway_policy::message::Scheme;
use gateway_proxy::wire::{HeadLimits, HeadScan, ReadBuffer, RequestContext, RequestHead};

use crate::timing::Measure;

const CONTEXT: RequestContext<'_> =
    RequestContext { scheme: Scheme::Http, default_host: "127.0.0.1", default_port: 80 };

/// The head of W4's first request.
pub fn example() -> anyhow::Result<RequestHead> {
    read(&mut ReadBuffer::new(), &request()).context("the workload's request is malformed")
}

fn request() -> Vec<u8> {
    Workload::W4.requests().swap_remove(0)
}

fn read(buffer: &mut ReadBuffer, bytes: &[u8]) -> Option<RequestHead> {
    buffer.extend(bytes);
    buffer.take_request(&mut HeadScan::default(), &HeadLimits::default(), &CONTEXT).ok().flatten()
}

pub fn rows(measure: &mut Measure<'_>) -> anyhow::Result<()> {
    example()?;
    let (bytes, mut buffer) = (request(), ReadBuffer::new());
    measure("request head, 5 fields", &mut || {
        black_box(read(&mut buffer, black_box(&bytes)));
    });
    Ok(())
}
