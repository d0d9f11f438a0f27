//! One client's subscriptions.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{AbortHandle, Abortable, Aborted};
use futures_util::stream::FuturesUnordered;
use futures_util::{SinkExt, StreamExt};
use gateway_policy::exchange::Exchange;
use gateway_policy::graphql::{GraphQlApi, Subscription, topic};
use serde_json::{Value, json};
use tokio::io::DuplexStream;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};

use super::dialect::{Closing, Dialect, Said};
use crate::worker::Worker;

/// Subscriptions of one connection.
const SUBSCRIPTIONS_MAX: usize = 100;
/// A client has so long to say `connection_init`.
const INIT_MAX: Duration = Duration::from_secs(10);

pub struct Session {
    worker: Rc<Worker>,
    /// Who has connected, and what inbound made of it.
    caller: Exchange,
    api: Arc<GraphQlApi>,
    dialect: Dialect,
    socket: WebSocketStream<DuplexStream>,
    is_begun: bool,
    active: HashMap<String, Active>,
    events: FuturesUnordered<Abortable<Listening>>,
}

struct Active {
    subscription: Rc<Subscription>,
    /// Stops the listening; done where the subscription is dropped.
    abort: AbortHandle,
}

impl Drop for Active {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

/// The next event of a subscription, with the way to the one behind it.
type Listening = std::pin::Pin<Box<dyn Future<Output = Heard>>>;

struct Heard {
    id: String,
    event: Result<Arc<Value>, RecvError>,
    receiver: Receiver<Arc<Value>>,
}

fn listen(id: String, mut receiver: Receiver<Arc<Value>>) -> Listening {
    Box::pin(async move {
        let event = receiver.recv().await;
        Heard { id, event, receiver }
    })
}

/// Why a session ends.
enum End {
    Closing(Closing),
    /// The client has gone, or has said that it will.
    Gone,
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        match error {
            Error::Capacity(_) => Self::Closing((1009, "Message too long")),
            Error::Utf8(_) => Self::Closing((1007, "Not UTF-8")),
            Error::Protocol(_) => Self::Closing((1002, "Protocol error")),
            _ => Self::Gone,
        }
    }
}

impl Session {
    pub fn new(
        worker: Rc<Worker>,
        caller: Exchange,
        api: Arc<GraphQlApi>,
        dialect: Dialect,
        socket: WebSocketStream<DuplexStream>,
    ) -> Self {
        let (active, events) = (HashMap::new(), FuturesUnordered::new());
        Self { worker, caller, api, dialect, socket, is_begun: false, active, events }
    }

    /// Goes on until the client has gone or is sent away.
    pub async fn run(mut self) {
        let late = tokio::time::sleep(INIT_MAX);
        tokio::pin!(late);
        let end = loop {
            let step = tokio::select! {
                message = self.socket.next() => match message {
                    Some(Ok(message)) => self.hear(message).await,
                    Some(Err(error)) => Err(error.into()),
                    None => Err(End::Gone),
                },
                Some(heard) = self.events.next() => self.tell(heard).await,
                () = &mut late, if !self.is_begun => Err(End::Closing((4408, "Connection initialisation timeout"))),
            };
            if let Err(end) = step {
                break end;
            }
        };
        if let End::Closing((code, reason)) = end {
            let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
            let _ = self.socket.close(Some(frame)).await;
        }
    }

    async fn hear(&mut self, message: Message) -> Result<(), End> {
        match message {
            Message::Text(text) => match self.dialect.read(&text).map_err(End::Closing)? {
                Said::Init if self.is_begun => Err(End::Closing((4429, "Too many initialisation requests"))),
                Said::Init => {
                    self.is_begun = true;
                    self.send(Dialect::ack()).await
                }
                Said::Ping(payload) => self.send(Dialect::pong(payload)).await,
                Said::Pong => Ok(()),
                Said::Bye => Err(End::Closing((1000, ""))),
                Said::Subscribe { .. } if !self.is_begun => Err(End::Closing((4401, "Unauthorized"))),
                Said::Subscribe { id, payload } => self.subscribe(id, payload).await,
                Said::Complete { id } => {
                    self.active.remove(&id);
                    Ok(())
                }
            },
            Message::Binary(_) => Err(End::Closing((4400, "Invalid message"))),
            Message::Close(_) => Err(End::Gone),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(()),
        }
    }

    async fn subscribe(&mut self, id: String, payload: Value) -> Result<(), End> {
        if self.active.contains_key(&id) {
            return Err(End::Closing((4409, "Subscriber already exists")));
        }
        if self.active.len() >= SUBSCRIPTIONS_MAX {
            let text = format!("A connection may have {SUBSCRIPTIONS_MAX} subscriptions.");
            return self.send(self.dialect.error(&id, vec![json!({ "message": text })])).await;
        }
        let subscription = match Subscription::new(&self.api, payload) {
            Ok(subscription) => subscription,
            Err(error) => return self.send(self.dialect.error(&id, error.errors)).await,
        };
        let topic = topic(&self.caller, subscription.field());
        let receiver = self.worker.shared.topics.subscribe(&topic);
        let abort = self.await_event(id.clone(), receiver);
        self.active.insert(id, Active { subscription: Rc::new(subscription), abort });
        Ok(())
    }

    fn await_event(&self, id: String, receiver: Receiver<Arc<Value>>) -> AbortHandle {
        let (abort, registration) = AbortHandle::new_pair();
        self.events.push(Abortable::new(listen(id, receiver), registration));
        abort
    }

    async fn tell(&mut self, heard: Result<Heard, Aborted>) -> Result<(), End> {
        let Ok(Heard { id, event, receiver }) = heard else { return Ok(()) };
        let Some(active) = self.active.get(&id) else { return Ok(()) };
        let subscription = Rc::clone(&active.subscription);
        match event {
            Ok(event) => {
                let payload = subscription.tell(&event, &self.caller, &*self.worker).await;
                let abort = self.await_event(id.clone(), receiver);
                if let Some(active) = self.active.get_mut(&id) {
                    active.abort = abort;
                }
                self.send(self.dialect.next(&id, payload)).await
            }
            // A topic lives as long as its listeners, so only being behind can end it.
            Err(_) => {
                self.active.remove(&id);
                let text = "Events were lost: the client does not read fast enough.";
                self.send(self.dialect.error(&id, vec![json!({ "message": text })])).await
            }
        }
    }

    async fn send(&mut self, message: Value) -> Result<(), End> {
        self.socket.send(Message::text(message.to_string())).await.map_err(End::from)
    }
}
