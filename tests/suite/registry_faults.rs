//! Pulls that break, and what the next one makes of them.

use crate::errors::{files_below, with_small_data_root};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tests::registry::{INDEX, OneLayer, Scripted};
use tests::{Sampan, eventually, isolated};

const MIB: usize = 1 << 20;

/// What transfers left in the store: names and lengths.
fn partial(sampan: &Sampan) -> Vec<(PathBuf, u64)> {
    let entries = fs::read_dir(sampan.data_root().join("content/partial"));
    let entries = entries.into_iter().flatten().flatten();
    entries.map(|entry| (entry.path(), entry.metadata().map_or(0, |found| found.len()))).collect()
}

fn partial_bytes(sampan: &Sampan) -> u64 {
    partial(sampan).iter().map(|(_, length)| length).sum()
}

/// Gives half of the layer to the first who asks and then waits until `released`; everything else is honest.
fn stalling(image: &OneLayer, released: &Arc<AtomicBool>) -> Scripted {
    let (image, released, first) = (image.clone(), Arc::clone(released), AtomicBool::new(true));
    Scripted::start(move |request, replier| {
        if !request.path.ends_with(&image.layer_digest) || !first.swap(false, Ordering::Relaxed) {
            return image.answer(request, replier);
        }
        let half = image.layer.len() / 2;
        replier.head(200, &[], image.layer.len());
        replier.piece(&image.layer[..half]);
        eventually("the rest is wanted", || released.load(Ordering::Relaxed));
        replier.piece(&image.layer[half..]);
    })
}

fn ranges(server: &Scripted, digest: &str) -> Vec<Option<usize>> {
    let asked = server.asked();
    asked.iter().filter(|one| one.path.ends_with(digest)).map(tests::registry::Request::range_start).collect()
}

#[test]
fn a_killed_pull_is_gone_on_with() {
    isolated(|sampan| {
        let image = OneLayer::new(sampan, 4 * MIB);
        let half = (image.layer.len() / 2) as u64;
        let released = Arc::new(AtomicBool::new(false));
        let server = stalling(&image, &released);
        let name = format!("{}/web:1", server.host);
        let killed = sampan.command(["pull", &name]).start();
        eventually("half of the layer is stored", || partial_bytes(sampan) == half);
        drop(killed);
        released.store(true, Ordering::Relaxed);
        let _ = sampan.run(["pull", &name]).ok().shows("Downloaded newer image");
        assert_eq!(ranges(&server, &image.layer_digest), [None, Some(image.layer.len() / 2)]);
        assert_eq!(partial(sampan), []);
        let _ = sampan.run(["system", "check"]).ok();
    });
}

#[test]
fn what_a_broken_pull_left_is_checked_and_can_be_pruned() {
    isolated(|sampan| {
        let image = OneLayer::new(sampan, 4 * MIB);
        let released = Arc::new(AtomicBool::new(false));
        let server = stalling(&image, &released);
        let name = format!("{}/web:1", server.host);
        let broken = || {
            let killed = sampan.command(["pull", &name]).start();
            eventually("half of the layer is stored", || partial_bytes(sampan) > 2 * MIB as u64 - 4096);
            drop(killed);
        };
        broken();
        released.store(true, Ordering::Relaxed);
        // The disk lost a part of it.
        let (path, _) = partial(sampan).remove(0);
        let mut bytes = fs::read(&path).unwrap();
        bytes[MIB..MIB + 4096].fill(0);
        fs::write(&path, bytes).unwrap();
        let _ = sampan.run(["pull", "-q", &name]).ok();
        assert_eq!(ranges(&server, &image.layer_digest), [None, Some(image.layer.len() / 2), None]);
        let _ = sampan.run(["rmi", &name]).ok();

        let released = Arc::new(AtomicBool::new(false));
        let server = stalling(&image, &released);
        let name = format!("{}/web:1", server.host);
        let killed = sampan.command(["pull", &name]).start();
        eventually("half of the layer is stored", || partial_bytes(sampan) > 0);
        drop(killed);
        released.store(true, Ordering::Relaxed);
        let _ = sampan.run(["image", "prune", "--force"]).ok();
        assert_eq!(partial(sampan), []);
    });
}

#[test]
fn two_pulls_at_once_fetch_a_layer_once() {
    isolated(|sampan| {
        let image = OneLayer::new(sampan, 4 * MIB);
        let released = Arc::new(AtomicBool::new(false));
        let server = stalling(&image, &released);
        let name = format!("{}/web:1", server.host);
        let first = sampan.command(["pull", &name]).start();
        eventually("half of the layer is stored", || partial_bytes(sampan) > 0);
        let second = sampan.command(["pull", &name]).start();
        eventually("both know what they need", || server.count("/manifests/") == 2);
        second.wait_for_stdout("Pulling fs layer");
        released.store(true, Ordering::Relaxed);
        let _ = first.wait().ok();
        let _ = second.wait().ok();
        assert_eq!(ranges(&server, &image.layer_digest), [None]);
        let _ = sampan.run(["system", "check"]).ok();
    });
}

#[test]
fn a_pull_survives_the_death_of_the_one_it_waited_for() {
    isolated(|sampan| {
        let image = OneLayer::new(sampan, 4 * MIB);
        let released = Arc::new(AtomicBool::new(false));
        let server = stalling(&image, &released);
        let name = format!("{}/web:1", server.host);
        let first = sampan.command(["pull", &name]).start();
        eventually("half of the layer is stored", || partial_bytes(sampan) == (image.layer.len() / 2) as u64);
        let second = sampan.command(["pull", &name]).start();
        second.wait_for_stdout("Pulling fs layer");
        drop(first);
        let _ = second.wait().ok();
        released.store(true, Ordering::Relaxed);
        assert_eq!(ranges(&server, &image.layer_digest), [None, Some(image.layer.len() / 2)]);
        // The one that died left the sign that it was at work.
        let _ = sampan.run(["system", "check", "--repair"]).ok();
    });
}

#[test]
fn a_registry_in_trouble_is_outlasted() {
    isolated(|sampan| {
        let image = OneLayer::new(sampan, MIB / 2);
        let tries = AtomicUsize::new(0);
        let script = {
            let image = image.clone();
            move |request: &tests::registry::Request, replier: &mut tests::registry::Replier| {
                if !request.path.ends_with(&image.layer_digest) {
                    return image.answer(request, replier);
                }
                match tries.fetch_add(1, Ordering::Relaxed) {
                    0 => replier.reply(429, &[("Retry-After", "0")], b"{}"),
                    1 => replier.reply(503, &[("Retry-After", "0")], b"busy"),
                    // Cut in the middle.
                    2 => {
                        replier.head(200, &[], image.layer.len());
                        replier.piece(&image.layer[..1000]);
                    }
                    _ => image.answer(request, replier),
                }
            }
        };
        let server = Scripted::start(script);
        let name = format!("{}/web:1", server.host);
        let _ =
            sampan.command(["pull", &name]).limit(Duration::from_secs(30)).run().ok().shows("Retrying in");
        assert_eq!(ranges(&server, &image.layer_digest), [None, None, None, Some(1000)]);

        let body = br#"{"errors":[{"code":"TOOMANYREQUESTS","message":"pull rate limit"}]}"#;
        let fed_up = Scripted::start(move |_, replier| replier.reply(429, &[("Retry-After", "86400")], body));
        let _ = sampan
            .run(["pull", &format!("{}/web:1", fed_up.host)])
            .fails_with(1)
            .says("pull rate limit")
            .says_one_line();
        assert_eq!(fed_up.asked().len(), 1);
    });
}

#[test]
fn foreign_layers_are_refused_by_name() {
    isolated(|sampan| {
        let image = OneLayer::new(sampan, 1000);
        let server = Scripted::start({
            let image = image.clone();
            move |request, replier| {
                if !request.path.contains("/manifests/") {
                    return image.answer(request, replier);
                }
                let foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
                let manifest = image.manifest_with(foreign);
                replier.reply(200, &[("Content-Type", tests::registry::MANIFEST)], &manifest);
            }
        });
        let _ = sampan
            .run(["pull", &format!("{}/web:1", server.host)])
            .fails_with(1)
            .says("foreign layer")
            .says(&image.layer_digest)
            .says_one_line();
    });
}

#[test]
fn a_disk_that_fills_up_during_a_pull_is_said_and_the_space_given_back() {
    isolated(|sampan| {
        with_small_data_root(sampan, 6_000, |root| {
            let image = OneLayer::new(sampan, 4 * MIB);
            let server = Scripted::start({
                let image = image.clone();
                move |request, replier| image.answer(request, replier)
            });
            let name = format!("{}/web:1", server.host);
            // The layer fits once, and not a second time as files.
            let refused = sampan.run(["run", "--rm", "--quiet", &name, "/noise"]).fails_with(125);
            let _ = refused.says("No space left on device");
            let _ = sampan.run(["image", "prune", "--force"]).ok();
            let large: Vec<_> = files_below(root)
                .into_iter()
                .filter(|path| fs::metadata(path).is_ok_and(|data| data.len() > MIB as u64))
                .collect();
            assert!(large.is_empty(), "not given back: {large:?}");
            let _ = sampan.run(["system", "check"]).ok();
            let _ = sampan.demo(&[], &["echo", "small"]).ok().prints("small\n");
        });
    });
}

#[test]
fn an_image_for_other_machines_is_refused_with_what_is_offered() {
    isolated(|sampan| {
        let image = OneLayer::new(sampan, 1000);
        let index = image.index_for("s390x");
        let server = Scripted::start({
            let image = image.clone();
            move |request, replier| match request.path.ends_with("/manifests/1") {
                true => replier.reply(200, &[("Content-Type", INDEX)], &index),
                false => image.answer(request, replier),
            }
        });
        let name = format!("{}/web:1", server.host);
        let refused = sampan.run(["pull", &name]).fails_with(1);
        let _ = refused.says("linux/amd64").says("linux/s390x").says_one_line();
        let _ = sampan.run(["run", "--rm", "--quiet", &name, "/noise"]).fails_with(125).says("linux/s390x");
        assert_eq!(sampan.run(["images", "-q"]).ok().stdout(), "");
    });
}
