//! Open files that one process gives to another, over a Unix socket (unix(7), `SCM_RIGHTS`).

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};

/// In one message; the kernel takes 253.
const AT_ONCE: usize = 64;

/// Gives copies of these to the peer, in order.
pub fn send_descriptors(stream: &UnixStream, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    for some in descriptors.chunks(AT_ONCE) {
        let numbers: Vec<RawFd> = some.iter().map(AsRawFd::as_raw_fd).collect();
        let rights = [ControlMessage::ScmRights(&numbers)];
        sendmsg::<()>(stream.as_raw_fd(), &[IoSlice::new(&[0])], &rights, MsgFlags::MSG_NOSIGNAL, None)?;
    }
    Ok(())
}

/// Takes as many as the peer has said that it sends.
pub fn receive_descriptors(stream: &UnixStream, count: usize) -> io::Result<Vec<OwnedFd>> {
    let mut received = Vec::new();
    while received.len() < count {
        let mut byte = [0];
        let mut bytes = [IoSliceMut::new(&mut byte)];
        let mut rights = nix::cmsg_space!([RawFd; AT_ONCE]);
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let message = recvmsg::<()>(stream.as_raw_fd(), &mut bytes, Some(&mut rights), flags)?;
        let before = received.len();
        for part in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(numbers) = part {
                // SAFETY: the kernel has just opened them for us.
                received.extend(numbers.into_iter().map(|number| unsafe { OwnedFd::from_raw_fd(number) }));
            }
        }
        if received.len() == before {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    if received.len() == count { Ok(received) } else { Err(io::ErrorKind::InvalidData.into()) }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Write};
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn descriptors_arrive_in_order_however_many() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let pipes: Vec<_> = (0..130).map(|_| std::io::pipe().unwrap()).collect();
        let ends: Vec<_> = pipes.iter().map(|(reader, _)| reader.as_fd()).collect();
        send_descriptors(&ours, &ends).unwrap();
        let received = receive_descriptors(&theirs, ends.len()).unwrap();
        assert_eq!(received.len(), ends.len());
        for (number, ((_, writer), reader)) in pipes.iter().zip(received).enumerate() {
            let mut writer = writer;
            writer.write_all(&[number as u8]).unwrap();
            let mut byte = [0];
            File::from(reader).read_exact(&mut byte).unwrap();
            assert_eq!(byte, [number as u8]);
        }
    }

    #[test]
    fn descriptors_that_do_not_come_are_an_error() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(ours);
        assert_eq!(receive_descriptors(&theirs, 1).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
