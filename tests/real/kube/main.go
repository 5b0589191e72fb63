// One binary with the four parts of a Kubernetes control plane that the real-stack tests need.
//
// They share most of their code, so one link is a third of the build time and of the disk.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

// Made only when asked for: two of them install the process's one signal handler as soon as they exist.
var parts = map[string]func() *cobra.Command{
	"apiserver":   apiserver.NewAPIServerCommand,
	"scheduler":   func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"controllers": controllers.NewControllerManagerCommand,
	"etcd":        etcdCommand,
	"keys":        keysCommand,
}

func main() {
	if len(os.Args) < 2 || parts[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: kube apiserver|scheduler|controllers|etcd|keys [flags]")
		os.Exit(2)
	}
	command := parts[os.Args[1]]()
	command.SetArgs(os.Args[2:])
	os.Exit(cli.Run(command))
}

func etcdCommand() *cobra.Command {
	var dir, client, peer string
	cmd := &cobra.Command{
		Use:   "etcd",
		Short: "one etcd member on loopback",
		Args:  cobra.NoArgs,
		RunE: func(_ *cobra.Command, _ []string) error {
			cfg := embed.NewConfig()
			cfg.Dir = dir
			cfg.LogLevel = "error"
			// The data lives as long as one test run: waiting for the disk would only slow it down.
			cfg.UnsafeNoFsync = true
			clientURL, err := url.Parse(client)
			if err != nil {
				return fmt.Errorf("reading --client-url: %w", err)
			}
			peerURL, err := url.Parse(peer)
			if err != nil {
				return fmt.Errorf("reading --peer-url: %w", err)
			}
			cfg.ListenClientUrls = []url.URL{*clientURL}
			cfg.AdvertiseClientUrls = []url.URL{*clientURL}
			cfg.ListenPeerUrls = []url.URL{*peerURL}
			cfg.AdvertisePeerUrls = []url.URL{*peerURL}
			cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
			server, err := embed.StartEtcd(cfg)
			if err != nil {
				return fmt.Errorf("starting etcd: %w", err)
			}
			defer server.Close()
			select {
			case <-server.Server.ReadyNotify():
			case <-time.After(30 * time.Second):
				return fmt.Errorf("etcd was not ready within 30 s")
			}
			stop := make(chan os.Signal, 1)
			signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
			select {
			case <-stop:
				return nil
			case err := <-server.Err():
				return fmt.Errorf("running etcd: %w", err)
			}
		},
	}
	cmd.Flags().StringVar(&dir, "data-dir", "", "folder of the data")
	cmd.Flags().StringVar(&client, "client-url", "", "URL that clients use")
	cmd.Flags().StringVar(&peer, "peer-url", "", "URL that peers would use")
	for _, name := range []string{"data-dir", "client-url", "peer-url"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err)
		}
	}
	return cmd
}

// The API server does not start without a key that signs service accounts' tokens, and makes none itself.
func keysCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "keys FILE",
		Short: "writes a new private key for service account tokens",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				return fmt.Errorf("making a key: %w", err)
			}
			der, err := x509.MarshalECPrivateKey(key)
			if err != nil {
				return fmt.Errorf("encoding the key: %w", err)
			}
			block := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
			return os.WriteFile(args[0], block, 0o600)
		},
	}
}
