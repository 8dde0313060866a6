//! A network that fails as told: passes HTTP/1.1 requests on, and closes connections.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, watch};

/// What happens to one request. All but the last two end with both connections closed.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The request is not passed on at all.
    BeforeRequest,
    /// The head and half of the body are passed on.
    InRequest,
    /// The request is passed on; the end comes when this has a permit, and no answer came back.
    WhileRunning(Arc<Semaphore>),
    /// The answer comes back, and nothing of it is passed on.
    BeforeAnswer,
    /// Half of the head of the answer is passed on.
    InAnswerHead,
    /// The head and half of the body of the answer are passed on.
    InAnswerBody,
    /// The answer is passed on, but not before the test says so.
    AnswerHeld(Arc<Notify>),
    /// Nothing, as with all requests for which no fault was named.
    Pass,
}

/// One request, as the network saw it.
#[derive(Clone, Debug)]
pub(crate) struct Try {
    pub(crate) key: String,
    /// The answer that the server gave, if one came back.
    pub(crate) answer: Option<Seen>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) replayed: bool,
    pub(crate) retry_after: Option<String>,
}

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    tries: watch::Receiver<Vec<Try>>,
}

struct Network {
    server: SocketAddr,
    /// For the next requests, one each; none for those that come later.
    faults: Mutex<VecDeque<Fault>>,
    tries: watch::Sender<Vec<Try>>,
}

impl Proxy {
    /// Stands in front of this server until the test ends.
    pub(crate) async fn start(server: SocketAddr, faults: impl IntoIterator<Item = Fault>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, tries) = watch::channel(Vec::new());
        let faults = Mutex::new(faults.into_iter().collect());
        let network = Arc::new(Network { server, faults, tries: sender });
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let network = Arc::clone(&network);
                // An error is a connection that the other side closed.
                tokio::spawn(async move { network.serve(BufReader::new(client)).await });
            }
        });
        Self { address, tries }
    }

    pub(crate) fn tries(&self) -> Vec<Try> {
        self.tries.borrow().clone()
    }

    /// Waits until the fate of so many requests was known.
    pub(crate) async fn wait_for_tries(&self, count: usize) {
        let mut tries = self.tries.clone();
        tries.wait_for(|tries| tries.len() >= count).await.unwrap();
    }
}

/// What goes back to the client, and whether the connection stays.
struct Back {
    bytes: Vec<u8>,
    stays: bool,
}

impl Network {
    async fn serve(&self, mut client: BufReader<TcpStream>) -> io::Result<()> {
        while let Some(request) = Message::read(&mut client).await? {
            let fault = self.faults.lock().unwrap().pop_front().unwrap_or(Fault::Pass);
            let back = self.pass(request, fault).await?;
            client.write_all(&back.bytes).await?;
            if !back.stays {
                break;
            }
        }
        Ok(())
    }

    async fn pass(&self, request: Message, fault: Fault) -> io::Result<Back> {
        let key = request.header("idempotency-key").unwrap_or_default().to_owned();
        let answer = self.ask(&request, &fault).await?;
        let seen = answer.as_ref().map(Message::seen);
        self.tries.send_modify(|tries| tries.push(Try { key, answer: seen }));
        let Some(answer) = answer else { return Ok(Back { bytes: Vec::new(), stays: false }) };
        Ok(match fault {
            Fault::Pass => Back { bytes: answer.whole(), stays: true },
            Fault::AnswerHeld(until) => {
                until.notified().await;
                Back { bytes: answer.whole(), stays: true }
            }
            Fault::InAnswerHead => {
                Back { bytes: answer.head[..answer.head.len() / 2].to_vec(), stays: false }
            }
            Fault::InAnswerBody => Back { bytes: answer.half(), stays: false },
            _ => Back { bytes: Vec::new(), stays: false },
        })
    }

    /// Passes the request on over a connection of its own, which is closed at the end.
    async fn ask(&self, request: &Message, fault: &Fault) -> io::Result<Option<Message>> {
        if matches!(fault, Fault::BeforeRequest) {
            return Ok(None);
        }
        let mut server = BufReader::new(TcpStream::connect(self.server).await?);
        match fault {
            Fault::InRequest => {
                server.write_all(&request.half()).await?;
                server.shutdown().await?;
                // Until the server is done with it, so that no retry can overtake it.
                drop(server.read_to_end(&mut Vec::new()).await);
                Ok(None)
            }
            Fault::WhileRunning(runs) => {
                server.write_all(&request.whole()).await?;
                runs.acquire().await.unwrap().forget();
                Ok(None)
            }
            _ => {
                server.write_all(&request.whole()).await?;
                Message::read(&mut server).await
            }
        }
    }
}

/// A request or an answer whose body has a length.
struct Message {
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Message {
    /// `None` if the connection ends before one begins.
    async fn read(from: &mut BufReader<TcpStream>) -> io::Result<Option<Self>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if from.read_until(b'\n', &mut head).await? == 0 {
                return Ok(None);
            }
        }
        let mut message = Self { head, body: Vec::new() };
        let length = message.header("content-length").expect("a body with a length");
        message.body.resize(length.parse().unwrap(), 0);
        from.read_exact(&mut message.body).await?;
        Ok(Some(message))
    }

    fn header(&self, name: &str) -> Option<&str> {
        let head = std::str::from_utf8(&self.head).unwrap();
        head.lines()
            .filter_map(|line| line.split_once(':'))
            .find_map(|(field, value)| field.eq_ignore_ascii_case(name).then_some(value.trim()))
    }

    fn seen(&self) -> Seen {
        let status = std::str::from_utf8(&self.head[9..12]).unwrap().parse().unwrap();
        Seen {
            status,
            replayed: self.header("idempotent-replayed") == Some("true"),
            retry_after: self.header("retry-after").map(str::to_owned),
        }
    }

    fn whole(&self) -> Vec<u8> {
        [&self.head[..], &self.body[..]].concat()
    }

    fn half(&self) -> Vec<u8> {
        [&self.head[..], &self.body[..self.body.len() / 2]].concat()
    }
}
