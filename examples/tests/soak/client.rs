use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};

use super::flood::random;
use crate::support::{Reply, Request, in_time};

/// Somebody with one connection, which is used again.
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    pub(crate) async fn new(service: SocketAddr) -> Self {
        Self(BufReader::new(connect(service, None).await))
    }

    pub(crate) async fn ask(&mut self, request: &Request) -> Reply {
        self.send(request).await;
        self.answer().await
    }

    pub(crate) async fn send(&mut self, request: &Request) {
        self.send_as_it_is(&request.clone().connection("keep-alive")).await;
    }

    /// With what it says of the connection.
    pub(crate) async fn send_as_it_is(&mut self, request: &Request) {
        self.0.write_all(&request.to_bytes()).await.expect("send a request");
    }

    pub(crate) async fn answer(&mut self) -> Reply {
        let answer = in_time("an answer", read(&mut self.0)).await.expect("read an answer");
        Reply::parse(&answer)
    }
}

/// From an address of the loopback that nobody has, most likely: limits know strangers by theirs. What has come and is not
/// read takes so much room.
pub(crate) async fn connect(service: SocketAddr, room: Option<u32>) -> TcpStream {
    let [_, low, high, last] = u32::try_from(random(1 << 24)).expect("24 bits").to_be_bytes();
    let address = Ipv4Addr::new(127, low, high, last.clamp(1, 254));
    let socket = TcpSocket::new_v4().expect("a socket");
    if let Some(room) = room {
        socket.set_recv_buffer_size(room).expect("a size");
    }
    socket.bind(SocketAddr::from((address, 0))).expect("an address of the loopback");
    in_time("a connection", socket.connect(service)).await.expect("connect")
}

/// One answer, with a body whose end is known.
pub(crate) async fn read(socket: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        if socket.read_until(b'\n', &mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let head = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    let value = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    if value("transfer-encoding:") == Some("chunked") {
        read_chunks(socket, &mut answer).await?;
    } else if let Some(length) = value("content-length:") {
        let begin = answer.len();
        answer.resize(begin + length.parse::<usize>().expect("a length"), 0);
        socket.read_exact(&mut answer[begin..]).await?;
    }
    Ok(answer)
}

async fn read_chunks(
    socket: &mut (impl AsyncBufRead + Unpin),
    answer: &mut Vec<u8>,
) -> io::Result<()> {
    loop {
        let mut size = String::new();
        socket.read_line(&mut size).await?;
        let size = usize::from_str_radix(size.trim_end(), 16).expect("the size of a chunk");
        let begin = answer.len();
        answer.resize(begin + size + 2, 0);
        socket.read_exact(&mut answer[begin..]).await?;
        answer.truncate(begin + size);
        if size == 0 {
            return Ok(());
        }
    }
}
