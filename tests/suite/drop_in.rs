//! Other engines run their containers with `sampan-runtime` in place of runc or crun.
//!
//! Each test starts the engine of the distribution in namespaces of its own, gives it our runtime, and lets a shell
//! script do what people do; the script prints `name=value`, and the test compares. A short part runs always, the rest in
//! the long tier.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tests::{Invocation, eventually, paths, skip};

/// How long one engine may take for everything.
const TIME_LIMIT: Duration = Duration::from_secs(150);

/// What every script begins with: `$runtime`, `$work`, `$group` (a cgroup of the test's own), the root file system, and
/// `say NAME COMMAND...`, which prints the command's output and `NAME.code`.
const PROLOGUE: &str = r#"
set -u
runtime=$1 work=$2 group=$3
ip link set lo up
# conmon leaves a file where it was started when memory ran out.
cd "$work"
mkdir -p "$work/rootfs/bin"
cp "$(command -v busybox)" "$work/rootfs/bin/busybox"
for name in sh cat echo id true sleep dd tty ls grep; do ln -s busybox "$work/rootfs/bin/$name"; done
say() {
    name=$1
    shift
    output=$("$@" </dev/null 2>"$work/err")
    code=$?
    echo "$name=$(echo "$output" | tr -d '\r' | tr '\n' ' ' | sed 's/ *$//')"
    echo "$name.code=$code"
    echo "$name.err=$(tr '\n' ' ' <"$work/err")"
}
until_true() {
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || { echo "gave up: $*" >&2; exit 1; }
        sleep 0.1
    done
}
"#;

/// Runs a script in namespaces of its own and reads what it says.
fn world(name: &str, script: &str) -> BTreeMap<String, String> {
    let directory = tempfile::Builder::new().prefix("sp-").tempdir_in("/tmp").unwrap();
    let group = format!("sampan-drop-in-{name}-{}", std::process::id());
    let whole = format!("{PROLOGUE}{script}");
    let unshare =
        ["--pid", "--fork", "--kill-child", "--mount-proc", "--mount", "--net", "--propagation", "private"];
    let runtime = paths::runtime();
    let words = ["--", "sh", "-c", &whole, "sh"].map(Path::new);
    let outcome = Invocation::new(
        "unshare",
        unshare.iter().map(Path::new).chain(words).chain([
            runtime.as_path(),
            directory.path(),
            Path::new(&group),
        ]),
    )
    .limit(TIME_LIMIT)
    .run();
    remove_groups(&group);
    let text = outcome.stdout();
    println!("{text}{}", outcome.stderr());
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Engines leave the group that their containers are in, and what watches them leaves groups below it.
fn remove_groups(name: &str) {
    let tops = std::fs::read_dir("/sys/fs/cgroup").unwrap().map(|entry| entry.unwrap().path());
    for top in tops.chain([Path::new("/sys/fs/cgroup").to_owned()]) {
        let group = top.join(name);
        // Processes of the pid namespace that has just ended may still be on their way out.
        eventually("the groups of another engine are empty", || {
            remove_tree(&group);
            !group.exists()
        });
    }
}

/// Where no controller is mounted, engines put plain files into plain directories; a control group's own files cannot
/// be removed, and need not be.
fn remove_tree(group: &Path) {
    for below in std::fs::read_dir(group).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if below.is_dir() {
            remove_tree(&below);
        } else {
            let _ = std::fs::remove_file(below);
        }
    }
    let _ = std::fs::remove_dir(group);
}

/// Requires that the script said this.
fn require(said: &BTreeMap<String, String>, expected: &[(&str, &str)]) {
    let wrong: Vec<String> = expected
        .iter()
        .filter(|(name, value)| said.get(*name).map(String::as_str) != Some(value))
        .map(|(name, value)| format!("{name} is {:?} and not {value:?}", said.get(*name)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn require_part(said: &BTreeMap<String, String>, name: &str, part: &str) {
    let value = said.get(name).map_or("", String::as_str);
    assert!(value.contains(part), "{name} is {value:?}, without {part:?}");
}

/// dockerd with ours as the default runtime.
const DOCKERD: &str = r#"
export DOCKER_HOST=unix://$work/d.sock
dockerd --data-root "$work/data" --exec-root "$work/exec" -p "$work/d.pid" -H "$DOCKER_HOST" \
    --cgroup-parent "/$group" --add-runtime sampan="$runtime" --default-runtime sampan >"$work/d.log" 2>&1 &
until_true docker version
tar -C "$work/rootfs" -c . | docker import -c 'ENV PATH=/bin' - busy >/dev/null
"#;

const DOCKER_SHORT: &str = r#"
say run docker run --rm busy sh -c 'echo hello; exit 7'
say default docker info -f '{{.DefaultRuntime}}'
docker run -d --name c1 busy sleep 1000 >/dev/null
say exec docker exec c1 sh -c 'echo further; exit 3'
say stop docker stop -t 1 c1
say state docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' c1
docker rm -f c1 >/dev/null
"#;

#[test]
fn docker_runs_and_executes() {
    skip!("dockerd");
    let said = world("docker", &[DOCKERD, DOCKER_SHORT].concat());
    require(
        &said,
        &[
            ("default", "sampan"),
            ("run", "hello"),
            ("run.code", "7"),
            ("exec", "further"),
            ("exec.code", "3"),
            ("stop.code", "0"),
            ("state", "exited 137"),
        ],
    );
}

const DOCKER_LONG: &str = r#"
say missing docker run --rm busy nosuch
say tty docker run --rm -t busy tty
docker run -d --name c1 -m 64m --pids-limit 50 --cpus 0.5 busy sleep 1000 >/dev/null
pid=$(docker inspect -f '{{.State.Pid}}' c1)
limit() { cat "/sys/fs/cgroup/memory$(sed -n 's/.*:memory://p' "/proc/$pid/cgroup")/memory.limit_in_bytes" ||
    cat "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$pid/cgroup")/memory.max"; }
say limit limit
say update docker update --memory 100m --memory-swap 100m c1
say updated limit
say exectty docker exec -t c1 tty
say nosuch docker exec c1 nosuch
say top docker top c1 -o pid,args
say pause docker pause c1
say paused docker inspect -f '{{.State.Status}}' c1
say unpause docker unpause c1
say stats docker stats --no-stream --format '{{.Name}}' c1
say kill docker kill c1
say killed docker wait c1
docker rm -f c1 >/dev/null
say oom docker run --name o1 -m 32m --memory-swap 32m busy dd if=/dev/zero of=/dev/null bs=200M count=1
docker rm -f o1 >/dev/null
mkdir "$work/context"
printf 'FROM busy\nRUN echo built > /x\nUSER 33\nRUN id -u > /tmp-id || true\nCMD ["cat", "/x"]\n' >"$work/context/Dockerfile"
export DOCKER_BUILDKIT=0
say build docker build -q -t built "$work/context"
say built docker run --rm built
say shut docker run --rm --read-only --tmpfs /t --cap-drop ALL --security-opt no-new-privileges -u 5:6 busy \
    sh -c 'id -u; echo > /y; grep CapEff /proc/self/status'
say wide docker run --rm --privileged --pid host --network host busy echo wide
say volume docker run --rm -v "$work/context:/v:ro" busy ls /v
docker run -d --restart always --name r1 busy true >/dev/null
restarted() { [ "$(docker inspect -f '{{.RestartCount}}' r1)" -gt 1 ]; }
until_true restarted
say remove docker rm -f r1
"#;

#[test]
#[ignore = "long: everything that docker does with a runtime"]
fn docker_does_everything() {
    skip!("dockerd");
    let said = world("docker-all", &[DOCKERD, DOCKER_LONG].concat());
    require(
        &said,
        &[
            ("missing.code", "127"),
            ("tty", "/dev/pts/0"),
            ("limit", "67108864"),
            ("update.code", "0"),
            ("updated", "104857600"),
            ("exectty", "/dev/pts/0"),
            ("pause.code", "0"),
            ("paused", "paused"),
            ("unpause.code", "0"),
            ("stats", "c1"),
            ("killed", "137"),
            ("oom.code", "137"),
            ("build.code", "0"),
            ("built", "built"),
            ("wide", "wide"),
            ("wide.err", ""),
            ("volume", "Dockerfile"),
            ("remove", "r1"),
        ],
    );
    require_part(&said, "missing.err", "executable file not found in $PATH");
    require_part(&said, "top", "sleep 1000");
    require_part(&said, "shut", "CapEff:\t0000000000000000");
    require_part(&said, "shut.err", "Read-only file system");
    assert_ne!(said["nosuch.code"], "0");
}

/// containerd with its own shim, and ours behind it.
const CONTAINERD: &str = r#"
mkdir "$work/etc"
cat >"$work/etc/config.toml" <<END
version = 2
root = "$work/root"
state = "$work/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "$work/c.sock"
END
containerd -c "$work/etc/config.toml" >"$work/c.log" 2>&1 &
c() { ctr -a "$work/c.sock" "$@"; }
until_true c version
"#;

const CONTAINERD_SCRIPT: &str = r#"
ctr_run() { c run --runtime io.containerd.runc.v2 --runc-binary "$runtime" --runc-root "$work/runc" "$@"; }
say run ctr_run --rm --cgroup "/$group/a" --rootfs "$work/rootfs" a /bin/sh -c 'echo hello; exit 7'
ctr_run -d --cgroup "/$group/b" --rootfs "$work/rootfs" b /bin/sleep 1000
say exec c task exec --exec-id e1 b /bin/sh -c 'echo further; exit 3'
say list c task ls
say ps c task ps b
say pause c task pause b
say paused c task ls
say resume c task resume b
say kill c task kill -s KILL b
gone() { c task ls | grep -q STOPPED; }
until_true gone
say remove c task rm b
say delete c container rm b
"#;

#[test]
#[ignore = "long: everything that ctr does with a runtime"]
fn containerd_does_everything() {
    skip!("containerd");
    let said = world("containerd", &[CONTAINERD, CONTAINERD_SCRIPT].concat());
    require(
        &said,
        &[
            ("run", "hello"),
            ("run.code", "7"),
            ("exec", "further"),
            ("exec.code", "3"),
            ("ps.code", "0"),
            ("pause.code", "0"),
            ("resume.code", "0"),
            ("kill.code", "0"),
            ("delete.code", "0"),
        ],
    );
    require_part(&said, "list", "RUNNING");
    require_part(&said, "paused", "PAUSED");
}

/// Podman with ours by path. Its default limits are above what some hosts allow.
const PODMAN: &str = r#"
pod() {
    podman --root "$work/root" --runroot "$work/run" --tmpdir "$work/tmp" --cgroup-manager cgroupfs \
        --runtime "$runtime" "$@"
}
limits="--ulimit nofile=1000:1000 --ulimit nproc=1000:1000 --network none --cgroup-parent /$group"
tar -C "$work/rootfs" -c . | pod import -q -c 'ENV PATH=/bin' - busy >/dev/null 2>&1
"#;

const PODMAN_SHORT: &str = r#"
say run pod run --rm $limits busy sh -c 'echo hello; exit 7'
"#;

const PODMAN_LONG: &str = r#"
say tty pod run --rm $limits -t busy tty
say missing pod run --rm $limits busy nosuch
pod run -d --name c1 $limits -m 64m --pids-limit 50 busy sleep 1000 >/dev/null
say exec pod exec c1 sh -c 'echo further; exit 3'
say exectty pod exec -t c1 tty
say nosuch pod exec c1 nosuch
say stats pod stats --no-stream --format '{{.Name}}' c1
say pause pod pause c1
say paused pod inspect -f '{{.State.Status}}' c1
say unpause pod unpause c1
say stop pod stop -t 1 c1
say state pod inspect -f '{{.State.Status}} {{.State.ExitCode}}' c1
pod rm -f c1 >/dev/null
say oom pod run --rm $limits -m 32m --memory-swap 32m busy dd if=/dev/zero of=/dev/null bs=200M count=1
say mapped pod run --rm $limits --uidmap 0:100000:65536 busy cat /proc/self/uid_map
"#;

#[test]
fn podman_runs() {
    skip!("podman");
    let said = world("podman", &[PODMAN, PODMAN_SHORT].concat());
    require(&said, &[("run", "hello"), ("run.code", "7")]);
}

#[test]
#[ignore = "long: everything that podman does with a runtime"]
fn podman_does_everything() {
    skip!("podman");
    let said = world("podman-all", &[PODMAN, PODMAN_LONG].concat());
    require(
        &said,
        &[
            ("tty", "/dev/pts/0"),
            ("missing.code", "127"),
            ("exec", "further"),
            ("exec.code", "3"),
            ("exectty", "/dev/pts/0"),
            ("nosuch.code", "127"),
            ("stats", "c1"),
            ("pause.code", "0"),
            ("paused", "paused"),
            ("unpause.code", "0"),
            ("state", "exited 137"),
            ("oom.code", "137"),
        ],
    );
    let mapped: Vec<&str> = said["mapped"].split_whitespace().collect();
    assert_eq!(mapped, ["0", "100000", "65536"]);
}
