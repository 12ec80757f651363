//! Connections into the network of an execution, and networks that several share.

use std::time::Duration;

use ci_sandbox::{Child, Network};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::support::Bench;

async fn connect(child: &Child, port: u16) -> TcpStream {
    for _ in 0..200 {
        if let Ok(stream) = child.connect(port).await {
            return stream;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nobody listens on {port}");
}

pub(crate) async fn a_port_inside_is_reached_from_outside(bench: Bench) {
    // As a user without rights, on a port that needs rights elsewhere.
    let mut spec = bench.script("echo hello | nc -l -p 80");
    spec.network = Network::None;
    spec.user.uid = 1000;
    let child = bench.sandbox.spawn(spec).await.unwrap();
    let mut stream = connect(&child, 80).await;
    let mut text = [0; 6];
    stream.read_exact(&mut text).await.unwrap();
    assert_eq!(&text, b"hello\n");
    drop(stream);
    assert!(child.wait().await.unwrap().success());
}

pub(crate) async fn a_port_nobody_listens_on_is_refused(bench: Bench) {
    let mut spec = bench.spec(["sleep", "1000"]);
    spec.network = Network::None;
    let child = bench.sandbox.spawn(spec).await.unwrap();
    assert_eq!(
        child.connect(8080).await.unwrap_err().kind(),
        std::io::ErrorKind::ConnectionRefused
    );
    child.kill();
    child.wait().await.unwrap();
    assert!(
        child.connect(8080).await.is_err(),
        "nobody answers any more"
    );
}

pub(crate) async fn another_execution_can_join_the_network(bench: Bench) {
    let mut server = bench.script("echo from the service | nc -l -p 5432");
    server.network = Network::None;
    let server = bench.sandbox.spawn(server).await.unwrap();

    let mut client = bench.script("until nc db 5432 < /dev/null 2>/dev/null; do sleep 0.05; done");
    client.root.changes = ci_sandbox::Changes::Discard;
    client.network = Network::Join(server.network().unwrap());
    client.hosts = vec![("db".into(), [127, 0, 0, 1].into())];
    assert_eq!(bench.succeed(client).await, "from the service\n");
}

pub(crate) async fn the_hosts_network_is_nobodys_to_join(bench: Bench) {
    let child = bench.sandbox.spawn(bench.spec(["true"])).await.unwrap();
    assert!(child.network().is_none());
}
