//! Reserved ports.
//!
//! A port that is found free and released may be taken before the server binds it. A reserved port stays bound with
//! `SO_REUSEPORT`, without listening, for as long as the server runs, which binds it too (`--permit-port-sharing`). The
//! kernel lets only processes of the same user share a port, and does not assign a bound port as an ephemeral one.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    os::fd::OwnedFd,
};

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, getsockname, socket_with, sockopt};

/// A reserved port of 127.0.0.1, released on drop.
#[derive(Debug)]
pub(crate) struct ReservedPort {
    port: u16,
    _socket: OwnedFd,
}

impl ReservedPort {
    /// Reserves a free port.
    pub(crate) fn reserve() -> io::Result<Self> {
        let socket = stream_socket()?;
        sockopt::set_socket_reuseport(&socket, true)?;
        bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?;
        let address = SocketAddr::try_from(getsockname(&socket)?)?;
        Ok(Self { port: address.port(), _socket: socket })
    }

    pub(crate) fn number(&self) -> u16 {
        self.port
    }
}

/// A TCP socket with close-on-exec.
fn stream_socket() -> io::Result<OwnedFd> {
    #[cfg(not(target_vendor = "apple"))]
    let flags = SocketFlags::CLOEXEC;
    #[cfg(target_vendor = "apple")]
    let flags = SocketFlags::empty();
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
    #[cfg(target_vendor = "apple")]
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, net::TcpListener, net::TcpStream, time::Duration};

    #[test]
    fn a_reserved_port_cannot_be_bound_by_others() {
        let port = ReservedPort::reserve().unwrap();
        let error = TcpListener::bind((Ipv4Addr::LOCALHOST, port.number())).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn a_reserved_port_refuses_connections() {
        let port = ReservedPort::reserve().unwrap();
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port.number()).into();
        let error = TcpStream::connect_timeout(&address, Duration::from_secs(1)).unwrap_err();
        // Linux says no; macOS, where a socket that does not listen swallows what comes, says nothing.
        assert!(
            matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::TimedOut),
            "{error}"
        );
    }

    #[test]
    fn a_server_that_shares_ports_can_listen_on_a_reserved_port() {
        let port = ReservedPort::reserve().unwrap();
        let socket = stream_socket().unwrap();
        sockopt::set_socket_reuseport(&socket, true).unwrap();
        bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port.number())).unwrap();
        rustix::net::listen(&socket, 1).unwrap();
        TcpStream::connect((Ipv4Addr::LOCALHOST, port.number())).unwrap();
    }

    #[test]
    fn no_port_is_reserved_twice() {
        let ports: Vec<_> = (0..200).map(|_| ReservedPort::reserve().unwrap()).collect();
        let numbers: BTreeSet<_> = ports.iter().map(ReservedPort::number).collect();
        assert_eq!(numbers.len(), ports.len());
    }
}
