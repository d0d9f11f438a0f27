//! Calls that policies make themselves, and the times of the sections, for the closed event.

use std::time::{Duration, Instant};

use crate::exchange::Exchange;
use crate::fault::Section;
use crate::message::Url;
use crate::ports::{OutboundCall, SendError};

/// A call of `send-request` that has ended.
#[derive(Clone, Debug)]
pub struct SentCall {
    pub method: Box<str>,
    pub url: Url,
    /// 0 when no answer came.
    pub status: u16,
    pub span: [u8; 8],
    /// From receipt of the request.
    pub started: Duration,
    pub elapsed: Duration,
}

/// One that is under way.
#[derive(Debug)]
pub struct Begun {
    method: Box<str>,
    url: Url,
    span: [u8; 8],
    at: Instant,
}

/// When a section began, and whether it has statements.
#[derive(Clone, Copy, Debug)]
pub struct SectionBegin {
    pub section: Section,
    pub at: Instant,
    pub has_statements: bool,
}

impl Exchange {
    /// Goes into a section. Its time is noted where somebody wants it.
    pub fn enter(&mut self, section: Section, has_statements: bool) {
        self.section = section;
        if let Some(sections) = &mut self.sections {
            sections.push(SectionBegin { section, at: Instant::now(), has_statements });
        }
    }

    /// Notes a call that is about to be made, and tells the other side its place in the trace.
    pub fn begin_call(&self, call: &mut OutboundCall) -> Begun {
        let span = self.correlation.map(|correlation| {
            let span = correlation.child_span(self.calls.into());
            correlation.tell(span, &mut call.request.headers);
            span
        });
        Begun {
            method: call.request.method.as_str().into(),
            url: call.request.url.clone(),
            span: span.unwrap_or_default(),
            at: Instant::now(),
        }
    }

    /// Notes what became of it.
    pub fn end_call(&mut self, begun: Begun, status: Result<u16, &SendError>) {
        let Begun { method, url, span, at } = begun;
        self.sent_calls.push(SentCall {
            method,
            url,
            status: status.unwrap_or(0),
            span,
            started: at.saturating_duration_since(self.received),
            elapsed: at.elapsed(),
        });
    }
}
