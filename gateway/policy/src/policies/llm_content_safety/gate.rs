//! A streamed answer that is held back until what it says has been judged.

use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use super::service::{Analysis, Verdict};
use crate::backend::Callee;
use crate::llm::{Events, completion_text};
use crate::message::{Body, BodyError, BodyStream, Frame};
use crate::ports::{LocalFuture, Sender};

/// Bytes held back at most; with so many the text is judged although its window is not full.
const HELD_BYTES_MAX: usize = 4 << 20;

/// How an answer is cut, in characters.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    pub size: usize,
    /// Of the window before, smaller than `size`.
    pub overlap: usize,
}

impl Windows {
    /// The windows of a text, in order; none of an empty one.
    pub fn of(self, text: &str) -> Vec<&str> {
        let mut windows = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let end = nth_character(rest, self.size);
            windows.push(&rest[..end]);
            if end == rest.len() {
                break;
            }
            rest = &rest[nth_character(rest, self.size - self.overlap)..];
        }
        windows
    }

    /// What of a judged text the next window begins with.
    fn kept(self, text: &str) -> &str {
        let skipped = text.chars().count().saturating_sub(self.overlap);
        &text[nth_character(text, skipped)..]
    }
}

/// Where in a text the character of that number begins; its end where there are fewer.
fn nth_character(text: &str, number: usize) -> usize {
    text.char_indices().nth(number).map_or(text.len(), |(at, _)| at)
}

/// Holds a body of server-sent events back, window by window.
pub fn hold(
    body: Body,
    windows: Windows,
    analysis: Analysis,
    callee: Callee,
    sender: Rc<dyn Sender>,
) -> Body {
    let inner: Box<dyn BodyStream> = match body {
        Body::Stream(stream) => stream,
        Body::Bytes(bytes) => Box::new(Whole(Some(bytes))),
        other => return other,
    };
    Body::Stream(Box::new(Gate {
        inner,
        events: Events::default(),
        windows,
        judge: Rc::new(Judge { analysis, callee, sender }),
        text: String::new(),
        has_new_text: false,
        held: VecDeque::new(),
        held_bytes: 0,
        released: VecDeque::new(),
        judging: None,
        state: State::Open,
    }))
}

struct Whole(Option<bytes::Bytes>);

impl BodyStream for Whole {
    fn poll_frame(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Frame, BodyError>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::Data(bytes))))
    }

    fn remaining(&self) -> Option<u64> {
        Some(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

struct Judge {
    analysis: Analysis,
    callee: Callee,
    sender: Rc<dyn Sender>,
}

impl Judge {
    /// Judges each window of the text; whether all have passed.
    async fn passes(self: Rc<Self>, windows: Windows, text: String) -> bool {
        for window in windows.of(&text) {
            let call = self.analysis.call(&self.callee, window);
            match self.analysis.verdict(self.callee.send(call, &*self.sender).await) {
                Verdict::Passed => {}
                Verdict::Blocked(reason) | Verdict::Unknown(reason) => {
                    tracing::info!(reason, "a streamed answer was stopped by llm-content-safety");
                    return false;
                }
            }
        }
        true
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// The answer has come to its end.
    Ended,
    /// Nothing more goes out.
    Stopped,
}

struct Gate {
    inner: Box<dyn BodyStream>,
    events: Events,
    windows: Windows,
    judge: Rc<Judge>,
    /// Of the window at hand, the overlap first.
    text: String,
    has_new_text: bool,
    /// Pieces whose text has not been judged.
    held: VecDeque<Frame>,
    held_bytes: usize,
    released: VecDeque<Frame>,
    judging: Option<LocalFuture<'static, bool>>,
    state: State,
}

impl BodyStream for Gate {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, BodyError>>> {
        loop {
            if let Some(frame) = self.released.pop_front() {
                return Poll::Ready(Some(Ok(frame)));
            }
            if let Some(judging) = &mut self.judging {
                let passed = ready!(judging.as_mut().poll(cx));
                self.judging = None;
                self.settle(passed);
                continue;
            }
            match self.state {
                State::Stopped => return Poll::Ready(None),
                State::Ended if self.held.is_empty() => return Poll::Ready(None),
                State::Ended => self.judge(),
                State::Open => match ready!(self.inner.poll_frame(cx)) {
                    Some(Ok(frame)) => self.take(frame),
                    Some(Err(error)) => {
                        self.state = State::Stopped;
                        return Poll::Ready(Some(Err(error)));
                    }
                    None => {
                        self.state = State::Ended;
                        // The last event may stand without the empty line behind it.
                        self.read(b"\n\n");
                    }
                },
            }
        }
    }

    /// Where it ends is not known before it has been judged.
    fn remaining(&self) -> Option<u64> {
        None
    }
}

impl Gate {
    fn take(&mut self, frame: Frame) {
        if let Frame::Data(data) = &frame {
            self.held_bytes += data.len();
            let data = data.clone();
            self.read(&data);
        }
        self.held.push_back(frame);
        if self.text.chars().count() >= self.windows.size || self.held_bytes > HELD_BYTES_MAX {
            self.judge();
        }
    }

    fn read(&mut self, bytes: &[u8]) {
        let before = self.text.len();
        self.events.push(bytes, |data| {
            if let Ok(event) = serde_json::from_slice(data) {
                completion_text(&event, &mut self.text);
            }
        });
        self.has_new_text |= self.text.len() > before;
    }

    /// Begins to judge what is held. Pieces without a text pass.
    fn judge(&mut self) {
        if !std::mem::take(&mut self.has_new_text) {
            return self.settle(true);
        }
        let judge = Rc::clone(&self.judge);
        self.judging = Some(Box::pin(judge.passes(self.windows, self.text.clone())));
    }

    fn settle(&mut self, passed: bool) {
        self.held_bytes = 0;
        if passed {
            self.released.append(&mut self.held);
            self.text = self.windows.kept(&self.text).to_owned();
        } else {
            self.held.clear();
            self.state = State::Stopped;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_overlap_and_cover_the_text() {
        let cut = |size, overlap, text| Windows { size, overlap }.of(text).join("|");
        assert_eq!(cut(3, 0, "abcdefg"), "abc|def|g");
        assert_eq!(cut(3, 1, "abcdefg"), "abc|cde|efg");
        assert_eq!(cut(3, 2, "äöüß"), "äöü|öüß");
        assert_eq!(cut(10, 0, "ab"), "ab");
        assert_eq!(cut(10, 0, ""), "");
        assert_eq!(Windows { size: 3, overlap: 2 }.kept("äöüß"), "üß");
        assert_eq!(Windows { size: 3, overlap: 2 }.kept("a"), "a");
    }
}
