//! Loading archives and layouts, of our own making and of other people's programs.

mod support;

use image::{Force, LoadError, Loaded, Silent};
use std::path::Path;
use support::{Kind, Store, digest, gzip, reference, run, tar};

fn config(diffs: &[&[u8]]) -> Vec<u8> {
    let diffs: Vec<String> = diffs.iter().map(|diff| format!("\"{}\"", digest(diff))).collect();
    format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{"Cmd":["/x"]}},"rootfs":{{"type":"layers","diff_ids":[{}]}}}}"#,
        diffs.join(",")
    )
    .into_bytes()
}

fn load(store: &Store, archive: &[u8]) -> Result<Vec<Loaded>, LoadError> {
    store.images.load(archive, None, &Silent)
}

fn base() -> Vec<u8> {
    tar(&[
        ("etc/", Kind::Dir),
        ("etc/name", Kind::File(b"base")),
        ("usr/", Kind::Dir),
        ("usr/tool", Kind::File(b"tool")),
    ])
}

/// `docker save` of old: a directory for each layer.
fn legacy(layers: &[(&str, Kind<'_>)], config: &[u8], manifest: &str) -> Vec<u8> {
    let mut entries =
        vec![("config.json", Kind::File(config)), ("manifest.json", Kind::File(manifest.as_bytes()))];
    entries.push(("repositories", Kind::File(b"{}")));
    for (path, kind) in layers {
        entries.push((
            path,
            match kind {
                Kind::Dir => Kind::Dir,
                Kind::File(bytes) => Kind::File(bytes),
                Kind::Link(target) => Kind::Link(target),
                Kind::Symlink(target) => Kind::Symlink(target),
            },
        ));
    }
    tar(&entries)
}

#[test]
fn an_archive_of_docker_save_with_shared_layers() {
    let store = Store::new();
    let (base, empty) = (base(), tar(&[]));
    let config = config(&[&base, &empty, &empty]);
    let manifest = r#"[{"Config":"config.json","RepoTags":["web:1","web:2"],"Layers":["a/layer.tar","b/layer.tar","c/layer.tar"]}]"#;
    let layers = [
        ("a/", Kind::Dir),
        ("a/layer.tar", Kind::File(&base)),
        ("a/json", Kind::File(b"{}")),
        ("b/layer.tar", Kind::File(&empty)),
        ("c/layer.tar", Kind::Symlink("../b/layer.tar")),
    ];
    for archive in [legacy(&layers, &config, manifest), gzip(&legacy(&layers, &config, manifest))] {
        let loaded = load(&store, &archive).unwrap();
        assert_eq!(loaded.len(), 1);
        assert_eq!(loaded[0].references, [reference("web:1"), reference("web:2")]);
        assert_eq!(loaded[0].image.id, digest(&config));
        assert_eq!(store.read_in(&loaded[0].image, "etc/name"), "base");
        assert_eq!(store.images.inspect("web:1").unwrap().size, 8);
    }
    store.assert_clean();
    assert_eq!(
        store.images.remove(store.images.get("web:1").unwrap().id.as_str(), Force::Yes, &[]).unwrap().len(),
        6
    );
    assert_eq!(store.count("content/blobs/sha256"), 0);
}

#[test]
fn a_name_that_moves_is_told() {
    let store = Store::new();
    let manifest = r#"[{"Config":"config.json","RepoTags":["web:1"],"Layers":["l.tar"]}]"#;
    let one = base();
    let two = tar(&[("x", Kind::File(b"x"))]);
    let first = load(&store, &legacy(&[("l.tar", Kind::File(&one))], &config(&[&one]), manifest)).unwrap();
    let second = load(&store, &legacy(&[("l.tar", Kind::File(&two))], &config(&[&two]), manifest)).unwrap();
    assert_eq!(second[0].replaced, [(reference("web:1"), first[0].image.id.clone())]);
}

#[test]
fn hostile_archives_are_refused_and_leave_nothing() {
    let base = base();
    let good = config(&[&base]);
    let one = |layer: &str| format!(r#"[{{"Config":"config.json","RepoTags":null,"Layers":["{layer}"]}}]"#);
    let layer = [("l.tar", Kind::File(base.as_slice()))];
    let many = format!(r#"[{{"Config":"config.json","Layers":[{}]}}]"#, vec!["\"l.tar\""; 500].join(","));
    let nested =
        |file: &str| tar(&[("index.json", Kind::File(file.as_bytes())), ("oci-layout", Kind::File(b"{}"))]);
    let hex = "0".repeat(64);
    let lost = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:{hex}","size":3}}]}}"#
    );
    for (archive, reason) in [
        (legacy(&layer, &good, &one("../../etc/passwd")), "is not in it"),
        (legacy(&layer, &good, &one("/etc/passwd")), "is not in it"),
        (legacy(&[("l.tar", Kind::Symlink("/etc/passwd"))], &good, &one("l.tar")), "is not in it"),
        (
            legacy(
                &[("l.tar", Kind::Symlink("m.tar")), ("m.tar", Kind::Link("l.tar"))],
                &good,
                &one("l.tar"),
            ),
            "is not in it",
        ),
        (legacy(&layer, &config(&[b"other"]), &one("l.tar")), "the image's configuration promises"),
        (legacy(&layer, &config(&[&base, &base]), &one("l.tar")), "has 1 layers, but its configuration 2"),
        (legacy(&layer, b"[]", &one("l.tar")), "is no JSON object"),
        (legacy(&layer, b"{", &one("l.tar")), "cannot be understood"),
        (legacy(&layer, &good, "{"), "manifest.json in the archive cannot be understood"),
        (legacy(&layer, &good, &many), "more than 499 layers"),
        (legacy(&layer, &good, &one("l.tar").replace("null", r#"["Bad/Name"]"#)), "impossible name"),
        (
            tar(&[("manifest.json", Kind::File(b"[]")), ("manifest.json", Kind::File(b"[]"))]),
            "more than 1 document",
        ),
        (tar(&[("manifest.json", Kind::File(&vec![b' '; 5 << 20]))]), "more than 4194304 bytes"),
        (
            tar(&[(&format!("blobs/sha256/{hex}"), Kind::File(b"lie"))]),
            &format!("but sha256:{hex} was promised"),
        ),
        (nested(&lost), "is not in it"),
        (nested("{\"schemaVersion\":2}"), "no image archive"),
        (base.clone(), "for a root file system use import"),
        (base[..1000].to_vec(), "in the middle of an entry"),
        (b"garbage".to_vec(), "in the middle"),
    ] {
        let store = Store::new();
        let error = load(&store, &archive).unwrap_err();
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        assert!(text.contains(reason), "{text:?} has no {reason:?}");
        store.assert_clean();
        assert_eq!((store.count("content/blobs/sha256"), store.count("snapshots/layers")), (0, 0));
    }
}

#[test]
fn a_layer_that_leans_on_those_below_gets_what_they_have() {
    let store = Store::new();
    let mut base = Vec::new();
    support::add(&mut base, "srv/", 0o750, &Kind::Dir);
    support::add(&mut base, "srv/tool", 0o755, &Kind::File(b"tool"));
    support::add(&mut base, "srv/old", 0o755, &Kind::File(b"old"));
    support::add(&mut base, "lib/", 0o755, &Kind::Dir);
    support::add(&mut base, "lib64", 0o777, &Kind::Symlink("lib"));
    base.resize(base.len() + 1024, 0);
    // No entry for srv, a hard link to a file of the layer below, a file through a link of the layer below, a whiteout.
    let upper = tar(&[
        ("srv/new", Kind::File(b"new")),
        ("alias", Kind::Link("srv/tool")),
        ("lib64/deep", Kind::File(b"deep")),
        ("srv/.wh.old", Kind::File(b"")),
    ]);
    let config = config(&[&base, &upper]);
    let manifest = r#"[{"Config":"config.json","RepoTags":["x"],"Layers":["1.tar","2.tar"]}]"#;
    let layers = [("1.tar", Kind::File(base.as_slice())), ("2.tar", Kind::File(upper.as_slice()))];
    let loaded = load(&store, &legacy(&layers, &config, manifest)).unwrap();
    let image = &loaded[0].image;
    assert_eq!(
        (store.read_in(image, "alias"), store.read_in(image, "lib/deep")),
        ("tool".into(), "deep".into())
    );
    let chain =
        store.path("snapshots/layers").join(format!("c-{}", image.layers[1].chain_id.hex())).join("fs");
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(chain.join("srv")).unwrap());
    assert_eq!(mode & 0o7777, 0o750);
    assert!(
        std::fs::symlink_metadata(chain.join("srv/old")).is_ok_and(|found| !found.is_file()),
        "a whiteout"
    );
    store.assert_clean();
}

/// A layout made by umoci with two layers, as other programs see it.
fn layout(dir: &Path) -> bool {
    if !support::installed("umoci") || !support::installed("skopeo") {
        return false;
    }
    let (layout, image) = (dir.join("layout"), format!("{}:1.0", dir.join("layout").display()));
    let base = support::file(
        dir,
        "base.tar",
        &tar(&[("etc/", Kind::Dir), ("etc/name", Kind::File(b"base")), ("etc/gone", Kind::File(b"gone"))]),
    );
    let upper =
        support::file(dir, "upper.tar", &tar(&[("etc/", Kind::Dir), ("etc/.wh.gone", Kind::File(b""))]));
    run("umoci", &["init", "--layout", layout.to_str().expect("text")]);
    run("umoci", &["new", "--image", &image]);
    for layer in [base, upper] {
        run("umoci", &["raw", "add-layer", "--image", &image, layer.to_str().expect("text")]);
    }
    run("umoci", &["config", "--image", &image, "--config.cmd", "/hello"]);
    true
}

#[test]
fn what_umoci_and_skopeo_write_is_one_image() {
    let dir = tempfile::tempdir().unwrap();
    if !layout(dir.path()) {
        return;
    }
    let store = Store::new();
    let from = format!("oci:{}:1.0", dir.path().join("layout").display());
    let by_layout = store.images.load_path(&dir.path().join("layout"), None, &Silent).unwrap();
    assert_eq!((by_layout.len(), by_layout[0].references.len()), (1, 0));
    let id = by_layout[0].image.id.clone();
    for (kind, name, references) in
        [("oci-archive", "", 0), ("oci-archive", ":example.com/web:2", 1), ("docker-archive", ":web:3", 1)]
    {
        let path = dir.path().join("archive.tar");
        let _ = std::fs::remove_file(&path);
        run("skopeo", &["copy", "-q", &from, &format!("{kind}:{}{name}", path.display())]);
        let loaded = store.images.load_path(&path, None, &Silent).unwrap();
        assert_eq!(loaded[0].references.len(), references, "{kind}{name}");
        let image = &loaded[0].image;
        assert_eq!(image.config.config.cmd, ["/hello"]);
        assert_eq!(store.read_in(image, "etc/name"), "base");
        if kind == "oci-archive" {
            assert_eq!(image.id, id);
        }
    }
    assert_eq!(store.images.get("example.com/web:2").unwrap().id, id);
    store.assert_clean();
}

#[test]
fn an_index_is_chosen_from_by_platform() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("layout");
    std::fs::create_dir_all(root.join("blobs/sha256")).unwrap();
    let blob = |bytes: &[u8]| {
        std::fs::write(root.join("blobs/sha256").join(digest(bytes).hex()), bytes).unwrap();
        (digest(bytes), bytes.len())
    };
    let entry = |kind: &str, (digest, size): (ids::Digest, usize), more: &str| {
        format!(
            r#"{{"mediaType":"application/vnd.oci.image.{kind}","digest":"{digest}","size":{size}{more}}}"#
        )
    };
    let mut manifests = Vec::new();
    for arch in ["arm64", "s390x"] {
        let layer = tar(&[("arch", Kind::File(arch.as_bytes()))]);
        let config = String::from_utf8(config(&[&layer])).unwrap().replace("amd64", arch);
        let (layer, config) = (blob(&layer), blob(config.as_bytes()));
        let manifest = format!(
            r#"{{"schemaVersion":2,"config":{},"layers":[{}]}}"#,
            entry("config.v1+json", config, ""),
            entry("layer.v1.tar", layer, "")
        );
        let platform = format!(r#","platform":{{"os":"linux","architecture":"{arch}"}}"#);
        manifests.push(entry("manifest.v1+json", blob(manifest.as_bytes()), &platform));
    }
    let inner = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, manifests.join(","));
    let named = r#","annotations":{"io.containerd.image.name":"docker.io/library/multi:1"}"#;
    let index = entry("index.v1+json", blob(inner.as_bytes()), named);
    std::fs::write(root.join("index.json"), format!(r#"{{"schemaVersion":2,"manifests":[{index}]}}"#))
        .unwrap();
    let store = Store::new();
    let wanted = image::parse_platform("linux/s390x").unwrap();
    let loaded = store.images.load_path(&root, Some(&wanted), &Silent).unwrap();
    assert_eq!(loaded[0].references, [reference("multi:1")]);
    assert_eq!(store.read_in(&loaded[0].image, "arch"), "s390x");
    let riscv = image::parse_platform("linux/riscv64").unwrap();
    let error = store.images.load_path(&root, Some(&riscv), &Silent).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the archive has no image for linux/riscv64; it has: linux/arm64, linux/s390x"
    );
}

#[test]
fn a_layout_may_not_lead_out_of_its_directory() {
    let dir = tempfile::tempdir().unwrap();
    let secret = support::file(dir.path(), "secret", b"{\"schemaVersion\":2,\"manifests\":[]}");
    let root = dir.path().join("layout");
    std::fs::create_dir(&root).unwrap();
    std::os::unix::fs::symlink(secret, root.join("index.json")).unwrap();
    let store = Store::new();
    assert!(matches!(store.images.load_path(&root, None, &Silent), Err(LoadError::Source { .. })));
    let missing = store.images.load_path(&dir.path().join("nothing"), None, &Silent).unwrap_err();
    assert!(missing.to_string().ends_with("nothing"), "{missing}");
}
