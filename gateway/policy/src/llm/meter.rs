//! The tokens of one request, however many policies ask for them.

use std::cell::{OnceCell, RefCell};
use std::fmt;
use std::rc::Rc;

use serde_json::Value;

use super::prompt::Prompt;
use super::tap::tap;
use super::tokens::{Vocabulary, count_tokens};
use super::usage::{Usage, completion_text};
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::ports::Ports;

/// Text of a streamed completion that is kept to be counted, bytes; what comes behind is taken to be like it.
const COMPLETION_BYTES_MAX: usize = 256 << 10;

/// Work for when the answer has been read, or is known to stream.
type Listener = Box<dyn FnOnce(&mut Exchange, &dyn Ports)>;

/// Counts the tokens of one request and its answer.
#[derive(Default)]
pub struct TokenMeter {
    prompt: Prompt,
    prompt_tokens: OnceCell<u64>,
    answer: RefCell<Answer>,
    listeners: RefCell<Vec<Listener>>,
}

/// What has been seen of the answer.
#[derive(Debug, Default)]
struct Answer {
    /// As the model reports it.
    usage: Option<Usage>,
    /// Of a stream, as far as it is kept.
    completion: String,
    /// Bytes of completion beyond that.
    unkept: u64,
    /// The model answered, in a stream: without a report the tokens are estimated.
    is_stream: bool,
}

impl fmt::Debug for TokenMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenMeter").field("answer", &self.answer).finish_non_exhaustive()
    }
}

impl TokenMeter {
    /// The exchange's meter; made from the request's body, which must have been buffered, when first asked for.
    pub fn of(exchange: &mut Exchange) -> Rc<Self> {
        if let Some(meter) = &exchange.tokens {
            return Rc::clone(meter);
        }
        let prompt = Prompt::read(exchange.request.body.buffered());
        let meter = Rc::new(Self { prompt, ..Self::default() });
        // A compressed answer could not be read.
        exchange.request.headers.remove("Accept-Encoding");
        exchange.tokens = Some(Rc::clone(&meter));
        meter
    }

    pub fn prompt(&self) -> &Prompt {
        &self.prompt
    }

    /// The prompt's tokens, counted here.
    pub fn prompt_tokens(&self) -> u64 {
        *self.prompt_tokens.get_or_init(|| self.prompt.tokens())
    }

    /// The tokens so far: as the model reports them; of a stream without a report, counted here. `None` before the
    /// model has answered, and when it answered something else.
    pub fn usage(&self) -> Option<Usage> {
        let answer = self.answer.borrow();
        if answer.usage.is_some() || !answer.is_stream {
            return answer.usage;
        }
        let kept = count_tokens(&answer.completion, Vocabulary::of_model(&self.prompt.model));
        let kept_bytes = (answer.completion.len() as u64).max(1);
        let completion = kept + (answer.unkept * kept).div_ceil(kept_bytes);
        let prompt = self.prompt_tokens();
        Some(Usage { prompt, completion, total: prompt + completion })
    }

    /// Runs `work` behind the backend's answer, before outbound: by then the usage of an answer that does not stream
    /// is known.
    pub fn when_answered(&self, work: impl FnOnce(&mut Exchange, &dyn Ports) + 'static) {
        self.listeners.borrow_mut().push(Box::new(work));
    }

    /// Takes in one event of a streamed answer.
    pub fn see_event(&self, data: &[u8]) {
        let Ok(event) = serde_json::from_slice::<Value>(data) else { return };
        self.see_usage(&event);
        let mut answer = self.answer.borrow_mut();
        let mut text = String::new();
        completion_text(&event, &mut text);
        if answer.completion.len() + text.len() > COMPLETION_BYTES_MAX {
            answer.unkept += text.len() as u64;
        } else {
            answer.completion.push_str(&text);
        }
    }

    fn see_usage(&self, document: &Value) {
        let mut answer = self.answer.borrow_mut();
        if let Some(usage) = Usage::of(document) {
            answer.usage = Some(answer.usage.map_or(usage, |known| known.and(usage)));
        }
    }
}

/// Reads the tokens of the backend's answer for the meter, if there is one. An answer that is no JSON, or too long to
/// be held, goes on unread.
pub async fn read_answer(exchange: &mut Exchange, ports: &dyn Ports) -> Result<(), Fault> {
    let Some(meter) = exchange.tokens.clone() else { return Ok(()) };
    if let Some(response) =
        exchange.response.as_mut().filter(|response| (200..300).contains(&response.status))
    {
        let content_type = response.headers.get_str("Content-Type").unwrap_or_default().to_ascii_lowercase();
        if content_type.starts_with("text/event-stream") {
            meter.answer.borrow_mut().is_stream = true;
            response.body = tap(std::mem::take(&mut response.body), &meter);
        } else if content_type.contains("json") {
            let max = ports.buffer_budget().message_bytes_max;
            let gathered = response.body.gather(max).await;
            let is_whole = gathered.map_err(|error| {
                Fault::new(502, "Bad gateway", "transport", "BackendConnectionFailure", error.to_string())
            })?;
            if is_whole && let Ok(document) = serde_json::from_slice(response.body.buffered()) {
                meter.see_usage(&document);
            }
        }
    }
    for work in meter.listeners.take() {
        work(exchange, ports);
    }
    Ok(())
}
