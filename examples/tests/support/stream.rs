//! An event stream as it comes, and WebSockets.

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpStream;
use tokio_stream::StreamExt;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{Reply, Request, Service, Value, in_time};

/// What asks for an event stream as a browser does, on a connection that it would use again.
pub(crate) fn listen(path: &str, account: &str) -> Request {
    Request::get(path)
        .account(account)
        .header("accept", "text/event-stream")
        .connection("keep-alive")
}

/// An answer that has no end of its own.
#[derive(Debug)]
pub(crate) struct Stream {
    /// Status and headers.
    pub(crate) head: Reply,
    socket: BufReader<TcpStream>,
    /// What has come, and was not given away.
    text: String,
    end: Option<End>,
}

/// How a stream has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// As HTTP has it.
    Well,
    /// The connection was lost.
    Cut,
}

/// A block that says something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) id: String,
    /// All of the block but the id.
    pub(crate) rest: String,
}

impl Service {
    /// Asks for a stream and waits for the beginning of the answer.
    pub(crate) async fn listen(&self, request: &Request) -> Stream {
        in_time("a stream begins", async { Stream::of(self.begin(request).await).await }).await
    }

    /// The stream of an account from now on, of which the first block is given too: where it begins.
    pub(crate) async fn live(&self, path: &str, account: &str) -> (Stream, String) {
        let begun = async {
            loop {
                let mut stream = self.listen(&listen(path, account)).await;
                let first = stream.said().await.expect("a block");
                // A log that is not there in time has clients come back.
                if !first.starts_with("retry: ") {
                    return (stream, first);
                }
            }
        };
        let (stream, first) = in_time("a stream begins with a place", begun).await;
        let id = first.strip_prefix("id: ").and_then(|rest| rest.strip_suffix("\n\n"));
        (stream, id.filter(|id| !id.contains('\n')).expect("an id and nothing else").to_owned())
    }

    /// A WebSocket of an account.
    pub(crate) async fn socket(&self, path: &str, account: &str) -> Socket {
        let mut request =
            format!("ws://test{path}").into_client_request().expect("a request for a WebSocket");
        let token = HeaderValue::from_str(&format!("Bearer {account}")).expect("a token");
        request.headers_mut().insert("authorization", token);
        let upgraded = tokio_tungstenite::client_async(request, self.connect().await);
        let (socket, _) = in_time("a WebSocket is open", upgraded).await.expect("a WebSocket");
        Socket(socket)
    }
}

impl Stream {
    /// Reads the beginning of an answer that was asked for here.
    pub(crate) async fn of(socket: TcpStream) -> Self {
        let mut socket = BufReader::new(socket);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = socket.read_line(&mut head).await.expect("read the head");
            assert_ne!(read, 0, "no head: {head}");
        }
        let head = Reply::parse(head.as_bytes());
        // One that ends at once has a length.
        if let Some(length) = head.header("content-length") {
            let mut text = vec![0; length.parse().expect("a length")];
            socket.read_exact(&mut text).await.expect("all of it");
            let text = String::from_utf8(text).expect("UTF-8");
            return Self { head, socket, text, end: Some(End::Well) };
        }
        assert_eq!(head.header("transfer-encoding"), Some("chunked"), "{head:?}");
        Self { head, socket, text: String::new(), end: None }
    }

    /// The next block, with the empty line that ends it.
    pub(crate) async fn block(&mut self) -> Result<String, End> {
        in_time("a block of a stream", self.next_block()).await
    }

    async fn next_block(&mut self) -> Result<String, End> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let rest = self.text.split_off(end + 2);
                return Ok(std::mem::replace(&mut self.text, rest));
            }
            if let Some(end) = self.end {
                assert_eq!(self.text, "", "half of a block");
                return Err(end);
            }
            match self.chunk().await {
                Some(chunk) if chunk.is_empty() => self.end = Some(End::Well),
                Some(chunk) => self.text.push_str(&chunk),
                None => self.end = Some(End::Cut),
            }
        }
    }

    /// What is sent at once; nothing more if it is empty. None when the connection is lost.
    async fn chunk(&mut self) -> Option<String> {
        let mut size = String::new();
        self.socket.read_line(&mut size).await.ok().filter(|read| *read > 0)?;
        let size = usize::from_str_radix(size.trim_end(), 16).expect("the size of a chunk");
        let mut chunk = vec![0; size + 2];
        self.socket.read_exact(&mut chunk).await.ok()?;
        chunk.truncate(size);
        Some(String::from_utf8(chunk).expect("UTF-8"))
    }

    /// The next block that is more than a comment, which keeps the connection open. It has an id.
    pub(crate) async fn told(&mut self) -> Told {
        let block = self.said().await.expect("a block");
        let (id, rest) = block.split_once('\n').expect("a line");
        let id = id.strip_prefix("id: ").unwrap_or_else(|| panic!("no id: {block}"));
        Told { id: id.to_owned(), rest: rest.to_owned() }
    }

    /// The same, as it is.
    pub(crate) async fn said(&mut self) -> Result<String, End> {
        in_time("a stream says something", async {
            loop {
                match self.next_block().await {
                    Ok(block) if block.starts_with(':') => {}
                    block => return block,
                }
            }
        })
        .await
    }
}

/// An open WebSocket.
#[derive(Debug)]
pub(crate) struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// The next message, as JSON; or the code that it was closed with.
    pub(crate) async fn told(&mut self) -> Result<Value, Option<u16>> {
        in_time("a message of a WebSocket", async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Text(text))) => {
                        return Ok(serde_json::from_str(&text).expect("JSON"));
                    }
                    Some(Ok(Message::Ping(_))) => {}
                    Some(Ok(Message::Close(frame))) => {
                        return Err(frame.map(|frame| frame.code.into()));
                    }
                    None | Some(Err(Error::Protocol(_) | Error::Io(_))) => return Err(None),
                    other => panic!("not to expect: {other:?}"),
                }
            }
        })
        .await
    }
}
