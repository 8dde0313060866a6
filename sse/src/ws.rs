//! The same logs over WebSockets, on axum 0.8. Feature `ws`.

use std::time::Duration;

use axum::body::Body;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::{IntoResponse, Response};

use crate::item::Item;
use crate::limits::drained;
use crate::rejection::{PROBLEM_BASE, RETRY};
use crate::{DataFormat, Delivery, End, Hub, Rejection, Subscribe, Subscription, Ticket};

/// Clients have nothing to say but that they are there.
const LARGEST_MESSAGE: usize = 4 * 1024;

/// How long a client has for its last word.
const LEAVE: Duration = Duration::from_secs(5);

/// Gives a client what a stream would, over a WebSocket: each delivery as a text `{"id", "type", "data"}`.
///
/// A delivery without a type is a checkpoint, and there for its id. A client that comes back says the last id that it was
/// given, in a parameter of the query: browsers can send no header here. What is missing is a message of the type `gap`.
///
/// Its route is for any method: over HTTP/2 a WebSocket begins with a `CONNECT` and not with a `GET`. Browsers send the
/// cookies of your users from any page; see the crate's notes on security.
///
/// A ping is sent every 30 seconds; a client that has not been heard of by the next one is gone.
///
/// | the code it is closed with | |
/// |---|---|
/// | 1012 | the process is to end; come back |
/// | 1013 | the client was too slow, or the log could not be read; come back |
/// | 1008 | its token has expired |
///
/// ```
/// use axum::extract::WebSocketUpgrade;
/// use axum::response::{IntoResponse, Response};
/// use stonework_sse::{DataFormat, EventSocket, Hub, LastEventId, Subscribe, Ticket};
///
/// async fn socket(
///     hub: Hub,
///     after: Option<LastEventId>,
///     ticket: Option<Ticket>,
///     upgrade: WebSocketUpgrade,
/// ) -> Response {
///     let events = Subscribe::to("acct_7").after(after);
///     EventSocket::new().data(DataFormat::Json).open(&hub, events, ticket, upgrade).await
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EventSocket {
    ping: Duration,
    data: DataFormat,
}

impl EventSocket {
    /// With a ping every 30 seconds.
    pub const fn new() -> Self {
        Self { ping: Duration::from_secs(30), data: DataFormat::Text }
    }

    /// How often a client is asked whether it is there. At least one second.
    #[must_use]
    pub fn ping(self, every: Duration) -> Self {
        Self { ping: every.max(Duration::from_secs(1)), ..self }
    }

    /// How the data of events is given. By default as a text.
    #[must_use]
    pub const fn data(self, format: DataFormat) -> Self {
        Self { data: format, ..self }
    }

    /// The answer to a request for a WebSocket. It is counted as long as it is open, if there is a ticket.
    pub async fn open(
        &self,
        hub: &Hub,
        events: Subscribe,
        ticket: Option<Ticket>,
        upgrade: WebSocketUpgrade,
    ) -> Response {
        self.open_with(hub, events, ticket, upgrade, |delivery| delivery).await
    }

    /// The same, with events as `map` makes them: for clients who read another version of them.
    pub async fn open_with(
        &self,
        hub: &Hub,
        events: Subscribe,
        ticket: Option<Ticket>,
        upgrade: WebSocketUpgrade,
        map: impl Fn(Delivery) -> Delivery + Send + 'static,
    ) -> Response {
        let (_, is_readable) = events.cursor();
        if !is_readable {
            return Rejection::Cursor.respond(PROBLEM_BASE, RETRY).map(Body::from);
        }
        let subscription = match hub.subscribe(events).await {
            Ok(subscription) => subscription,
            Err(error) => return error.into_response(),
        };
        let Self { ping, data } = *self;
        let upgrade = upgrade.max_message_size(LARGEST_MESSAGE).max_frame_size(LARGEST_MESSAGE);
        upgrade.on_upgrade(move |socket| {
            let open = Open { socket, subscription, data, map, ping, is_heard: true };
            open.run(ticket)
        })
    }
}

impl Default for EventSocket {
    fn default() -> Self {
        Self::new()
    }
}

struct Open<M> {
    socket: WebSocket,
    subscription: Subscription,
    data: DataFormat,
    map: M,
    ping: Duration,
    /// Since the last ping.
    is_heard: bool,
}

/// What is to be done next.
enum Do {
    Send(Message),
    Ping,
    Nothing,
    /// With this code, unless the client has said that it goes.
    Close(Option<u16>),
}

impl<M: Fn(Delivery) -> Delivery> Open<M> {
    async fn run(mut self, ticket: Option<Ticket>) {
        let mut pings = tokio::time::interval(self.ping);
        pings.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        pings.reset();
        let drained = drained(ticket.as_ref());
        tokio::pin!(drained);
        loop {
            let next = tokio::select! {
                () = &mut drained => Do::Close(Some(close_code::RESTART)),
                heard = self.socket.recv() => self.hear(heard.as_ref()),
                delivery = self.subscription.next() => self.tell(delivery),
                _ = pings.tick() => Do::Ping,
            };
            let message = match next {
                Do::Nothing => continue,
                Do::Send(message) => message,
                Do::Ping if std::mem::take(&mut self.is_heard) => Message::Ping("".into()),
                Do::Ping => return,
                Do::Close(code) => return self.close(code).await,
            };
            let sent = tokio::select! {
                sent = self.send(message) => sent,
                // A client that takes nothing is not waited for.
                () = &mut drained => return self.close(Some(close_code::RESTART)).await,
            };
            if !sent {
                return;
            }
        }
    }

    /// Whatever a client says, it says that it is there.
    fn hear(&mut self, heard: Option<&Result<Message, axum::Error>>) -> Do {
        match heard {
            None | Some(Err(_) | Ok(Message::Close(_))) => Do::Close(None),
            Some(Ok(_)) => {
                self.is_heard = true;
                Do::Nothing
            }
        }
    }

    fn tell(&self, delivery: Option<Delivery>) -> Do {
        let Some(delivery) = delivery else {
            let code = match self.subscription.end() {
                Some(End::Expired) => close_code::POLICY,
                _ => close_code::AGAIN,
            };
            return Do::Close(Some(code));
        };
        let item = Item::of(&(self.map)(delivery), self.data);
        let text = serde_json::to_string(&item).unwrap_or_default();
        Do::Send(Message::Text(text.into()))
    }

    /// Takes leave, and hears what the client has still to say: what it has sent and nobody has read would reset the
    /// connection, and the code might never arrive.
    async fn close(mut self, code: Option<u16>) {
        let leave = async {
            if let Some(code) = code {
                let frame = CloseFrame { code, reason: "".into() };
                if self.socket.send(Message::Close(Some(frame))).await.is_err() {
                    return;
                }
            }
            // An answer to the client's own leave is sent by this, too.
            while let Some(Ok(_)) = self.socket.recv().await {}
        };
        drop(tokio::time::timeout(LEAVE, leave).await);
    }

    /// Says whether it was taken. A client that takes nothing for as long as a ping is gone.
    async fn send(&mut self, message: Message) -> bool {
        matches!(tokio::time::timeout(self.ping, self.socket.send(message)).await, Ok(Ok(())))
    }
}
