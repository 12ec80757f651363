//! The Sigstore crates switch features of the HTTP library on. Registries must not notice.

use ci_http::Method;

use crate::registry::http;
use crate::server::{Reply, Request, Server};

#[tokio::test]
async fn what_arrives_are_the_bytes_that_were_sent() {
    let server = Server::start(|_: &Request| {
        let reply = Reply::new(200).header("content-encoding", "gzip");
        reply.body("no gzip, and yet a blob")
    })
    .await;
    let http = http();
    let url = server.url("/blob").parse().unwrap();
    let response = http.send(http.request(Method::GET, url)).await.unwrap();
    let bytes = response.bytes(1 << 10).await.unwrap();
    assert_eq!(bytes, "no gzip, and yet a blob");
    assert_eq!(server.log()[0].header("accept-encoding"), None);
}
