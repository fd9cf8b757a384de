//! Images in and out of the store: import, names, removal, pruning, the embedded image, checks.

mod support;

use image::{
    Force, GetError, ImageUse, ImportError, ImportOptions, Limits, PruneScope, RemoveError, Removed, Silent,
};
use snapshot::{Durability, SnapshotKey};
use std::os::unix::fs::MetadataExt;
use support::{Kind, Store, gzip, reference, tar};

fn import(store: &Store, name: Option<&str>, bytes: &[u8]) -> image::Image {
    let name = name.map(reference);
    let mut source = bytes;
    store
        .images
        .import(&mut source, name.as_ref(), &ImportOptions::default(), &Silent)
        .expect("an imported image")
}

fn small(text: &str) -> Vec<u8> {
    tar(&[("etc/", Kind::Dir), ("etc/name", Kind::File(text.as_bytes()))])
}

#[test]
fn an_import_is_kept_as_received_and_runs() {
    for packed in [small("a"), gzip(&small("a")), zstd::encode_all(small("a").as_slice(), 1).unwrap()] {
        let store = Store::new();
        let image = import(&store, Some("a/b:1"), &packed);
        let info = store.images.inspect("a/b:1").unwrap();
        assert_eq!(info.image, image);
        assert_eq!((info.size, info.tags.len(), info.digests.len()), (1, 1, 0));
        assert_eq!(image.config.rootfs.diff_ids, [support::digest(&small("a"))]);
        assert!(store.images.content().has(&support::digest(&packed)).unwrap());
        assert_eq!(store.read_in(&image, "etc/name"), "a");
        let key = SnapshotKey::parse("c1").unwrap();
        store.images.prepare(&image, &key, Durability::Volatile).unwrap();
        assert!(store.images.snapshots().remove(&key).unwrap());
        store.assert_clean();
    }
}

#[test]
fn an_import_takes_changes_and_message() {
    let store = Store::new();
    let options = ImportOptions {
        changes: vec!["CMD [\"/x\"]".into(), "ENV A=b".into()],
        message: Some("hello".into()),
        platform: Some(image::parse_platform("linux/arm/v6").unwrap()),
    };
    let image = store.images.import(&mut small("a").as_slice(), None, &options, &Silent).unwrap();
    assert_eq!((image.config.config.cmd[0].as_str(), image.config.config.env[0].as_str()), ("/x", "A=b"));
    assert_eq!(image.config.history[0].comment.as_deref(), Some("hello"));
    assert_eq!(image::platform_text(&image.platform()), "linux/arm/v6");
    assert!(store.images.list().unwrap()[0].is_dangling());
}

#[test]
fn a_bad_import_says_why_and_leaves_nothing() {
    let store = Store::new();
    let limited = store.images.clone().with_limits(Limits { blob_bytes: 4096, unpacked_bytes: 1 << 20 });
    let bomb = zstd::encode_all(&vec![0; 8 << 20][..], 1).unwrap();
    for (images, bytes, reason) in [
        (&store.images, b"this is no archive".to_vec(), "cannot"),
        (&store.images, small("x")[..700].to_vec(), "cannot unpack"),
        (&store.images, gzip(&small("x"))[..60].to_vec(), "cannot"),
        (&store.images, b"\xfd7zXZ\0aaaaaaaaaaaa".to_vec(), "cannot read the archive"),
        (&store.images, tar(&[("../x", Kind::File(b"x"))]), "cannot unpack"),
        (&store.images, tar(&[("a", Kind::Link("nowhere"))]), "cannot unpack"),
        (&limited, bomb, "cannot"),
        (&limited, vec![0; 5000], "larger than the limit of 4096"),
    ] {
        let error =
            images.import(&mut bytes.as_slice(), None, &ImportOptions::default(), &Silent).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
        store.assert_clean();
        assert!(store.images.list().unwrap().is_empty());
        assert_eq!((store.count("content/blobs/sha256"), store.count("snapshots/layers")), (0, 0));
    }
    let bad = ImportOptions { changes: vec!["RUN x".into()], ..ImportOptions::default() };
    let error = store.images.import(&mut small("a").as_slice(), None, &bad, &Silent).unwrap_err();
    assert!(matches!(error, ImportError::Change(_)));
}

#[test]
fn images_are_found_by_name_id_and_the_beginning_of_an_id() {
    let store = Store::new();
    let image = import(&store, Some("web"), &small("a"));
    let hex = image.id.hex().to_owned();
    for name in ["web", "web:latest", "docker.io/library/web", image.id.as_str(), &hex, &hex[..12], &hex[..3]]
    {
        assert_eq!(store.images.get(name).unwrap().id, image.id, "{name}");
    }
    assert_eq!(store.images.get(&format!("sha256:{}", &hex[..8])).unwrap().id, image.id);
    let error = |name: &str| store.images.get(name).unwrap_err();
    assert_eq!(error("nothing").to_string(), "No such image: nothing:latest");
    assert_eq!(error(&"0".repeat(64)).to_string(), format!("No such image: {}", "0".repeat(64)));
    assert!(matches!(error("UPPER"), GetError::Reference(_)));
    // A name that looks like an id wins over the id.
    let other = import(&store, Some(&hex[..4]), &small("b"));
    assert_eq!(store.images.get(&hex[..4]).unwrap().id, other.id);
}

#[test]
fn a_tag_moves_and_what_it_left_dangles() {
    let store = Store::new();
    let first = import(&store, Some("web:1"), &small("a"));
    let second = import(&store, Some("web:2"), &small("b"));
    store.images.tag("web:2", &reference("web:1")).unwrap();
    assert_eq!(store.images.get("web:1").unwrap().id, second.id);
    let list = store.images.list().unwrap();
    assert_eq!(list.len(), 2);
    assert!(list.iter().any(|info| info.image.id == first.id && info.is_dangling()));
    let pinned = reference(&format!("web@{}", first.manifest));
    assert!(store.images.tag("web:2", &pinned).unwrap_err().to_string().contains("digest reference"));
    assert!(store.images.tag("none", &reference("x")).is_err());
    let pruned = store.images.prune(PruneScope::Dangling, &[], &|_| false).unwrap();
    let layer = first.layers[0].chain_id.clone();
    assert_eq!(pruned.removed, [Removed::Deleted(first.id), Removed::Deleted(layer)]);
    assert!(pruned.bytes > 1000);
    store.assert_clean();
    assert_eq!(store.images.list().unwrap().len(), 1);
}

#[test]
fn removing_follows_dockers_rules() {
    let store = Store::new();
    let image = import(&store, Some("web:1"), &small("a"));
    store.images.tag("web:1", &reference("web:2")).unwrap();
    let remove = |name: &str, force, uses: &[ImageUse]| store.images.remove(name, force, uses);
    let container = |running| ImageUse { image: image.id.clone(), container: "0123456789ab".into(), running };
    let by_id = remove(image.id.hex(), Force::No, &[]).unwrap_err();
    assert!(matches!(by_id, RemoveError::SeveralNames { .. }), "{by_id}");
    let untagged = remove("web:2", Force::No, &[container(true)]).unwrap();
    assert_eq!(untagged[0].to_string(), "Untagged: web:2");
    assert_eq!(untagged.len(), 1);
    let message = remove("web:1", Force::No, &[container(false)]).unwrap_err().to_string();
    let expected = format!(
        "conflict: unable to remove repository reference \"web:1\" (must force) - container 0123456789ab is using its referenced image {}",
        image.id.short()
    );
    assert_eq!(message, expected);
    assert!(matches!(
        remove(image.id.hex(), Force::No, &[container(false)]),
        Err(RemoveError::Stopped { .. })
    ));
    assert!(matches!(
        remove(image.id.hex(), Force::Yes, &[container(true)]),
        Err(RemoveError::Running { .. })
    ));
    // By force the name goes, and the image stays for the container that runs.
    assert_eq!(remove("web:1", Force::Yes, &[container(true)]).unwrap().len(), 1);
    assert!(store.images.get(image.id.as_str()).is_ok());
    let gone = remove(image.id.short(), Force::No, &[]).unwrap();
    assert_eq!(
        gone,
        [Removed::Deleted(image.id.clone()), Removed::Deleted(image.layers[0].chain_id.clone())]
    );
    store.assert_clean();
    assert_eq!(store.count("content/blobs/sha256"), 0);
    assert!(matches!(remove("web:1", Force::No, &[]), Err(RemoveError::Get(GetError::NotFound { .. }))));
}

#[test]
fn layers_stay_while_a_container_or_another_image_needs_them() {
    let store = Store::new();
    let image = import(&store, Some("a"), &small("same"));
    let twin = import(&store, Some("b"), &small("same"));
    assert_ne!(image.id, twin.id);
    let usage = store.images.usage().unwrap();
    assert_eq!((usage.layers, usage.images[0].shared, usage.images[0].unique), (4, 4, 0));
    let key = SnapshotKey::parse("c1").unwrap();
    store.images.prepare(&image, &key, Durability::Durable).unwrap();
    assert_eq!(store.images.remove("a", Force::No, &[]).unwrap().len(), 2);
    assert_eq!(store.images.remove("b", Force::No, &[]).unwrap().len(), 2);
    assert_eq!(store.count("snapshots/layers"), 1);
    store.images.snapshots().remove(&key).unwrap();
    assert_eq!(store.images.check(false).unwrap().orphans.len(), 1);
    assert_eq!(store.images.repair().unwrap().0, 1);
    store.assert_clean();
}

#[test]
fn a_layer_that_is_gone_is_unpacked_again() {
    let store = Store::new();
    let image = import(&store, Some("a"), &small("x"));
    std::fs::remove_dir_all(store.path("snapshots/layers")).unwrap();
    assert_eq!(store.read_in(&image, "etc/name"), "x");
    store.assert_clean();
}

#[test]
fn damage_is_found_and_can_be_removed() {
    let store = Store::new();
    let image = import(&store, Some("a"), &small("x"));
    let blob = store.path("content/blobs/sha256").join(support::digest(&small("x")).hex());
    let mut bytes = std::fs::read(&blob).unwrap();
    bytes[600] ^= 1;
    std::fs::remove_file(&blob).unwrap();
    std::fs::write(&blob, &bytes).unwrap();
    assert!(store.images.check(false).unwrap().missing.is_empty());
    assert_eq!(store.images.check(true).unwrap().missing[0].problem, "is damaged: its digest is another");
    std::fs::remove_file(store.path("content/blobs/sha256").join(image.id.hex())).unwrap();
    assert_eq!(store.images.check(false).unwrap().missing[0].problem, "is missing");
    assert!(store.images.list().unwrap().is_empty());
    store.images.remove("a", Force::No, &[]).unwrap();
    store.assert_clean();
}

#[test]
fn what_killed_operations_left_is_swept() {
    let store = Store::new();
    import(&store, Some("a"), &small("x"));
    std::fs::write(store.path("content/ingest/dead"), "half").unwrap();
    std::fs::create_dir_all(store.path("snapshots/ingest/dead/fs")).unwrap();
    let orphan = store.images.content().put(b"orphan").unwrap();
    assert_eq!(store.images.check(false).unwrap().orphans.len(), 3);
    assert_eq!(store.images.repair().unwrap(), (3, 6));
    assert!(!store.images.content().has(&orphan).unwrap());
    store.assert_clean();
}

#[test]
fn the_embedded_image_is_made_once_and_the_same_each_time() {
    let (one, two) = (Store::new(), Store::new());
    let first = one.images.install_embedded(b"program", &["hello", "true"]).unwrap();
    let again = one.images.install_embedded(b"program", &["hello", "true"]).unwrap();
    let elsewhere = two.images.install_embedded(b"program", &["hello", "true"]).unwrap();
    assert_eq!((&first.id, &first.manifest), (&again.id, &elsewhere.manifest));
    assert_eq!(first.config.config.cmd, ["/bin/hello"]);
    assert_eq!(one.read_in(&first, "bin/true"), "program");
    let fs = one.path("snapshots/layers").join(first.layers[0].diff_id.hex()).join("fs");
    assert_eq!(std::fs::metadata(fs.join("tmp")).unwrap().mode() & 0o7777, 0o1777);
    assert_eq!(std::fs::metadata(fs.join("bin/hello")).unwrap().nlink(), 2);
    one.assert_clean();
    let newer = one.images.install_embedded(b"program of another version", &["hello"]).unwrap();
    assert_ne!(newer.id, first.id);
    assert_eq!(one.images.list().unwrap().len(), 1, "the older one is of no use");
    assert_eq!(one.images.get(image::EMBEDDED_REFERENCE).unwrap().id, newer.id);
    // A person's own image of that name is left alone.
    let own = import(&one, Some(image::EMBEDDED_REFERENCE), &small("mine"));
    assert_eq!(one.images.install_embedded(b"program", &["hello"]).unwrap().id, own.id);
}
