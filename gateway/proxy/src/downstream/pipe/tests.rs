use std::future::poll_fn;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::{TcpListener, TcpStream};

use super::*;

#[tokio::test]
async fn pipe_through_a_narrow_sink_keeps_every_byte_and_the_end() {
    let sent: Vec<u8> = (0..300_000_u32).map(|n| (n / 7) as u8).collect();
    let (mut writer, mut source) = duplex(100_000);
    let (mut sink, mut far) = duplex(1_000);
    let (mut pipe, mut arrived) = (Pipe::starting_with(b"first"), Vec::new());
    let pipes = Pipes::new(true);
    tokio::join!(
        async {
            writer.write_all(&sent).await.unwrap();
            writer.shutdown().await.unwrap();
        },
        async { poll_fn(|cx| pipe.poll(&mut source, &mut sink, &pipes, cx)).await.unwrap() },
        async { far.read_to_end(&mut arrived).await.unwrap() },
    );
    assert_eq!(&arrived[..5], b"first");
    assert!(arrived[5..] == sent);
    assert_eq!(pipe.moved, Moved { copied: 300_005, ..Moved::default() });
}

async fn pair(address: &str) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(address).await.unwrap();
    let connecting = TcpStream::connect(listener.local_addr().unwrap());
    let (near, accepted) = tokio::join!(connecting, listener.accept());
    (near.unwrap(), accepted.unwrap().0)
}

/// Sends `chunks` through a pipe between two connections; how they arrived and were moved.
async fn through(address: &str, chunks: &[Vec<u8>], slow: bool, pipes: &Pipes) -> (Vec<u8>, Moved) {
    let (mut client, mut source) = pair(address).await;
    let (mut sink, mut backend) = pair(address).await;
    let (mut pipe, mut arrived) = (Pipe::default(), Vec::new());
    tokio::join!(
        async {
            for chunk in chunks {
                client.write_all(chunk).await.unwrap();
                if chunk.len() % 3 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            client.shutdown().await.unwrap();
        },
        async { poll_fn(|cx| pipe.poll(&mut source, &mut sink, pipes, cx)).await.unwrap() },
        async {
            let mut piece = [0; 5_000];
            loop {
                if slow {
                    tokio::task::yield_now().await;
                }
                match backend.read(&mut piece).await.unwrap() {
                    0 => break,
                    count => arrived.extend_from_slice(&piece[..count]),
                }
            }
        },
    );
    (arrived, pipe.moved)
}

#[tokio::test]
async fn pipe_of_bulk_is_spliced_and_of_small_messages_copied() {
    let pipes = Pipes::new(true);
    let bulk = vec![vec![7; 4 << 20]];
    let (arrived, moved) = through("127.0.0.1:0", &bulk, false, &pipes).await;
    assert_eq!(arrived.len(), 4 << 20);
    assert_eq!(moved.total(), 4 << 20);
    assert!(moved.spliced > moved.copied, "{moved:?}");
    let (_, moved) = through("127.0.0.1:0", &[vec![1; 64]], false, &pipes).await;
    assert_eq!(moved, Moved { copied: 64, ..Moved::default() });
    let (_, moved) = through("127.0.0.1:0", &bulk, false, &Pipes::new(false)).await;
    assert_eq!(moved, Moved { copied: 4 << 20, ..Moved::default() });
}

#[tokio::test]
async fn pipe_holds_none_of_the_kernel_while_nothing_waits() {
    let pipes = Pipes::new(true);
    for _ in 0..3 {
        through("127.0.0.1:0", &[vec![7; 1 << 20]], true, &pipes).await;
        assert!(pipes.in_use() == 0, "{} in use", pipes.in_use());
    }
    assert!(pipes.open() <= 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn pipe_keeps_every_byte_whatever_the_chunks(
        sizes in prop::collection::vec(prop_oneof![1_usize..200, 10_000_usize..40_000, 100_000_usize..400_000], 1..12),
        slow: bool,
        splice: bool,
        v6: bool,
    ) {
        let mut next = 0_u32;
        let chunks: Vec<Vec<u8>> = sizes
            .iter()
            .map(|size| (0..*size).map(|_| { next = next.wrapping_mul(1_664_525).wrapping_add(1); (next >> 24) as u8 }).collect())
            .collect();
        let address = if v6 { "[::1]:0" } else { "127.0.0.1:0" };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (arrived, moved) = runtime.block_on(through(address, &chunks, slow, &Pipes::new(splice)));
        prop_assert!(arrived == chunks.concat());
        prop_assert_eq!(moved.total(), arrived.len() as u64);
    }
}
