//! The census itself: a leak of each kind is seen. Without this, "nothing is left" would prove nothing.

use std::process::{Command, Stdio};
use tests::{Invocation, isolated};

fn tool(program: &str, arguments: &[&str]) {
    let _ = Invocation::new(program, arguments).run().ok();
}

#[test]
fn every_kind_of_leak_is_seen() {
    isolated(|sampan| {
        let target = sampan.directory().join("target");
        std::fs::create_dir(&target).unwrap();
        let target = target.to_str().unwrap();
        let before = sampan.census();
        let mut sleeper = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
        tool("mount", &["-t", "tmpfs", "leak", target]);
        tool("ip", &["link", "add", "leak", "type", "bridge"]);
        tool("nft", &["add", "table", "ip", "leak"]);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        std::fs::create_dir_all(sampan.exec_root().join("containers/leak")).unwrap();
        std::fs::create_dir_all(sampan.data_root().join("containers/leak")).unwrap();
        let found = before.differences(&sampan.census()).join("\n");
        for kind in [
            "sleep 1000",
            "(tmpfs, leak",
            "link leak",
            "table ip leak",
            "listening",
            "exec root",
            "data root",
        ] {
            assert!(found.contains(kind), "{kind} was not seen in\n{found}");
        }
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
        drop(listener);
        tool("umount", &[target]);
        tool("ip", &["link", "delete", "leak"]);
        tool("nft", &["delete", "table", "ip", "leak"]);
        std::fs::remove_dir_all(sampan.exec_root()).unwrap();
        std::fs::remove_dir_all(sampan.data_root()).unwrap();
        sampan.require_no_leak_since(&before, Clone::clone);
    });
}
