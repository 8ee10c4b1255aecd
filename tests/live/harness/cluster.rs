//! A Kubernetes cluster without containers: etcd, the API server, the controllers that matter, kwok for the kubelet.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::api::Api;
use super::audit;
use super::process::Process;

/// Users of the API server: name, group. A token `tok-<name>` belongs to each; rights come from RBAC.
pub(crate) const USERS: &[(&str, &str)] =
    &[("admin", "system:masters"), ("tenant", "tenants"), ("nobody", "nobodies"), ("blind", "blinds")];

/// The running cluster. The API server ends before etcd: the other way round it hangs for minutes.
pub(crate) struct Cluster {
    dir: PathBuf,
    bin: PathBuf,
    port: u16,
    helpers: Vec<Process>,
    api_server: Mutex<Option<Process>>,
    etcd: Option<Process>,
    /// Where etcd listens.
    etcd_url: String,
}

/// A port on loopback that nobody listens on.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Cluster {
    /// Starts all of it, and returns when `/readyz` says so.
    pub(crate) fn start(bin: &Path, dir: &Path) -> Result<Cluster> {
        let mut cluster = Cluster {
            dir: dir.to_owned(),
            bin: bin.to_owned(),
            port: free_port()?,
            helpers: Vec::new(),
            api_server: Mutex::default(),
            etcd: None,
            etcd_url: String::new(),
        };
        cluster.etcd_url = cluster.start_etcd()?;
        cluster.write_credentials()?;
        audit::write_policy(dir)?;
        cluster.start_api_server()?;
        for (user, _) in USERS {
            cluster.write_kubeconfig(user, "default")?;
        }
        cluster.await_ready()?;
        cluster.start_helpers()?;
        Ok(cluster)
    }

    /// Ends the API server; what it knows stays in etcd.
    pub(crate) fn stop_api_server(&self) -> Result<()> {
        self.api_server.lock().unwrap().take().map_or(Ok(()), Process::stop)
    }

    /// Starts it at the same address as before, and returns when it is ready.
    pub(crate) fn start_api_server_again(&self) -> Result<()> {
        self.start_api_server()?;
        self.await_ready()
    }

    /// Where the API server listens.
    pub(crate) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The kubeconfig of a user of [`USERS`].
    pub(crate) fn kubeconfig(&self, user: &str) -> PathBuf {
        self.dir.join(format!("kubeconfig-{user}"))
    }

    /// Where the API server writes down who asked for Secrets, and who wrote what to Flux objects, one entry a line.
    pub(crate) fn audit_log(&self) -> PathBuf {
        audit::log(&self.dir)
    }

    /// Gives a user of [`USERS`] these rules (a JSON list) in the whole cluster.
    pub(crate) fn grant(&self, user: &str, rules: &str, api: &Api) -> Result<()> {
        let group = USERS.iter().find(|(name, _)| *name == user).context("a user of the bench")?.1;
        let rules: serde_json::Value = serde_json::from_str(rules)?;
        let rbac = "rbac.authorization.k8s.io";
        let version = format!("{rbac}/v1");
        api.apply(
            serde_json::json!({"apiVersion": version, "kind": "ClusterRole", "metadata": {"name": user}, "rules": rules}),
            "",
        )?;
        let role = serde_json::json!({"apiGroup": rbac, "kind": "ClusterRole", "name": user});
        let subject = serde_json::json!({"apiGroup": rbac, "kind": "Group", "name": group});
        let binding = serde_json::json!({"apiVersion": version, "kind": "ClusterRoleBinding", "metadata": {"name": user},
            "roleRef": role, "subjects": [subject]});
        api.apply(binding, "")
    }

    /// Where the programs of the bench lie.
    pub(crate) fn programs(&self) -> &Path {
        &self.bin
    }

    /// A program of the bench.
    pub(crate) fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.env_clear().env("HOME", &self.dir).env("TMPDIR", &self.dir);
        command
    }

    fn start_etcd(&mut self) -> Result<String> {
        let (client, peer) = (free_port()?, free_port()?);
        let client = format!("http://127.0.0.1:{client}");
        let peer = format!("http://127.0.0.1:{peer}");
        let mut etcd = self.program("etcd");
        etcd.arg(format!("--data-dir={}", self.dir.join("etcd").display()))
            .arg(format!("--listen-client-urls={client}"))
            .arg(format!("--advertise-client-urls={client}"))
            .arg(format!("--listen-peer-urls={peer}"))
            .arg(format!("--initial-advertise-peer-urls={peer}"))
            .arg(format!("--initial-cluster=default={peer}"))
            .args(["--unsafe-no-fsync", "--log-level=warn"]);
        self.etcd = Some(Process::start("etcd", &self.dir, &mut etcd)?);
        Ok(client)
    }

    /// Keys of service accounts, and the tokens of [`USERS`].
    fn write_credentials(&self) -> Result<()> {
        let pair = rcgen::KeyPair::generate()?;
        std::fs::write(self.dir.join("service-accounts.key"), pair.serialize_pem())?;
        std::fs::write(self.dir.join("service-accounts.pub"), pair.public_key_pem())?;
        let tokens: Vec<String> = USERS
            .iter()
            .enumerate()
            .map(|(id, (user, group))| format!("tok-{user},{user},{id},\"{group}\"\n"))
            .collect();
        Ok(std::fs::write(self.dir.join("tokens.csv"), tokens.concat())?)
    }

    fn start_api_server(&self) -> Result<()> {
        let etcd = &self.etcd_url;
        let [key, public, token_file] =
            ["service-accounts.key", "service-accounts.pub", "tokens.csv"].map(|name| self.dir.join(name));
        let mut server = self.program("kube-apiserver");
        server
            .arg(format!("--etcd-servers={etcd}"))
            .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
            .arg(format!("--secure-port={}", self.port))
            .arg(format!("--cert-dir={}", self.dir.join("certs").display()))
            .arg(format!("--token-auth-file={}", token_file.display()))
            .args(["--authorization-mode=RBAC", "--service-cluster-ip-range=10.96.0.0/16"])
            .arg(format!("--service-account-issuer={}", self.url()))
            .arg(format!("--service-account-key-file={}", public.display()))
            .arg(format!("--service-account-signing-key-file={}", key.display()))
            // No kube-proxy runs here: an address of a Service would lead out of this machine.
            .arg("--enable-aggregator-routing=true")
            .args(audit::flags(&self.dir))
            .args(["--endpoint-reconciler-type=none", "--disable-admission-plugins=ServiceAccount"]);
        *self.api_server.lock().unwrap() = Some(Process::start("kube-apiserver", &self.dir, &mut server)?);
        Ok(())
    }

    /// A kubeconfig for `user` whose context has `namespace`.
    pub(crate) fn write_kubeconfig(&self, user: &str, namespace: &str) -> Result<PathBuf> {
        let path = self.kubeconfig(user);
        let config = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "bench", "cluster": {
                "server": self.url(),
                "certificate-authority": self.dir.join("certs/apiserver.crt"),
            }}],
            "users": [{"name": user, "user": {"token": format!("tok-{user}")}}],
            "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": user, "namespace": namespace}}],
            "current-context": "bench",
        });
        std::fs::write(&path, config.to_string())?;
        Ok(path)
    }

    fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        let mut command = self.program("kubectl");
        let output = command.arg("--kubeconfig").arg(self.kubeconfig("admin")).args(arguments).output()?;
        if !output.status.success() {
            bail!("kubectl {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The API server tells nobody when it begins to listen, so this is asked again and again.
    fn await_ready(&self) -> Result<()> {
        let mut last = String::new();
        for _ in 0..600 {
            let mut server = self.api_server.lock().unwrap();
            let server = server.as_mut().context("no API server")?;
            ensure!(
                server.alive(),
                "kube-apiserver ended; see {}",
                self.dir.join("kube-apiserver.log").display()
            );
            match self.kubectl(&["get", "--raw", "/readyz"]) {
                Ok(_) => return Ok(()),
                Err(error) => last = error.to_string(),
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        bail!("kube-apiserver does not get ready: {last}")
    }

    fn start_helpers(&mut self) -> Result<()> {
        let kubeconfig = self.kubeconfig("admin");
        let controllers = [
            "namespace-controller",
            "garbage-collector-controller",
            "serviceaccount-controller",
            "root-ca-certificate-publisher-controller",
            "clusterrole-aggregation-controller",
            "deployment-controller",
            "replicaset-controller",
            "statefulset-controller",
            "job-controller",
            "resourcequota-controller",
        ];
        let mut manager = self.program("kube-controller-manager");
        manager
            .arg(format!("--kubeconfig={}", kubeconfig.display()))
            .args(["--secure-port=0", "--leader-elect=false"])
            .arg(format!(
                "--service-account-private-key-file={}",
                self.dir.join("service-accounts.key").display()
            ))
            .arg(format!("--root-ca-file={}", self.dir.join("certs/apiserver.crt").display()))
            .arg(format!("--controllers={}", controllers.join(",")));
        self.helpers.push(Process::start("kube-controller-manager", &self.dir, &mut manager)?);
        let mut scheduler = self.program("kube-scheduler");
        scheduler
            .arg(format!("--kubeconfig={}", kubeconfig.display()))
            .args(["--secure-port=0", "--leader-elect=false"]);
        self.helpers.push(Process::start("kube-scheduler", &self.dir, &mut scheduler)?);
        let stages = self.bin.join("../stages");
        let mut kwok = self.program("kwok");
        kwok.arg(format!("--kubeconfig={}", kubeconfig.display())).args([
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
            "--server-address=127.0.0.1:0",
        ]);
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(&stages)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        files.sort();
        for stage in files {
            kwok.arg(format!("--config={}", stage.display()));
        }
        self.helpers.push(Process::start("kwok", &self.dir, &mut kwok)?);
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.helpers.clear();
        drop(self.api_server.get_mut().unwrap().take());
        drop(self.etcd.take());
    }
}
