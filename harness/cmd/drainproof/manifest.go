package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drainproof/drainproof/harness/manifest"
	"github.com/drainproof/drainproof/harness/target"
)

func newManifest() *cobra.Command {
	parent := &cobra.Command{
		Use:   "manifest",
		Short: "Render what runs the parts of a run elsewhere: a workflow, or Jobs",
		Long: `manifest prints a file for another system: a workflow for GitHub Actions with a job for
each part of a run, or Jobs for Kubernetes with a pod for each, and what joins the parts.
What it prints is checked by a linter, or decoded strictly, in the tests of this program;
it was never run on those systems, and says so.`,
	}
	parent.AddCommand(newManifestGitHub(), newManifestKubernetes())
	return parent
}

func newManifestGitHub() *cobra.Command {
	var w manifest.Workflow
	cmd := &cobra.Command{
		Use:     "github",
		Short:   "Print a GitHub Actions workflow: a matrix of parts, and a job that joins them",
		Example: "  drainproof manifest github --shards 4 --target ci/target.yaml --gateway-image my-gateway:ci --build 'docker build -t my-gateway:ci .' > .github/workflows/drain.yml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := manifest.GitHub(w)
			if err != nil {
				return &exitError{2, err}
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	runFlags(cmd, &w.Run)
	f := cmd.Flags()
	f.StringVar(&w.Target, "target", "ci/target.yaml", "target file, in the repository of the workflow")
	f.StringVar(&w.Image, "gateway-image", "my-gateway:ci", "the gateway's image, as the target file names it")
	f.StringVar(&w.Build, "build", "docker build -t my-gateway:ci .", "command that builds that image, in the repository of the workflow")
	f.StringVar(&w.Version, "version", "main", "branch, tag or commit of Drainproof")
	return cmd
}

func newManifestKubernetes() *cobra.Command {
	var j manifest.Jobs
	var file string
	cmd := &cobra.Command{
		Use:   "kubernetes",
		Short: "Print an Indexed Job with a pod for each part, and a Job that joins them",
		Long: `kubernetes prints a ConfigMap with the target file, an Indexed Job and a Job that joins
the reports. What a pod consists of is the layout's:

  engine   the suite alone; it uses a container engine at --docker-host. Can certify.
  process  the gateway's image, in which the suite runs the gateway as its child. Never
           certifies.
  sidecar  a sketch, rendered suspended: the probe beside a gateway that the kubelet
           started. Nothing of this release drives it; there, a gateway could be neither
           respawned nor frozen.`,
		Example: `  drainproof manifest kubernetes --shards 4 --target target.yaml --docker-host tcp://engine:2376 --docker-certs engine-client
  drainproof manifest kubernetes --layout process --target target.yaml --gateway-image edge:1.4`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := target.Load(file)
			if err != nil {
				return &exitError{2, fmt.Errorf("the target file is not usable:\n%w", err)}
			}
			text, err := os.ReadFile(file)
			if err != nil {
				return &exitError{2, err}
			}
			j.TargetText = string(text)
			if err := standsAlone(t, &j); err != nil {
				return &exitError{2, fmt.Errorf("%s: %w", file, err)}
			}
			rendered, err := manifest.Kubernetes(j)
			if err != nil {
				return &exitError{2, err}
			}
			_, err = cmd.OutOrStdout().Write(rendered)
			return err
		},
	}
	runFlags(cmd, &j.Run)
	f := cmd.Flags()
	f.StringVar(&file, "target", "target.yaml", "target file; it becomes part of the manifest")
	f.StringVar(&j.Layout, "layout", manifest.LayoutEngine, "what a pod consists of: "+strings.Join(manifest.Layouts(), ", "))
	f.Int64Var(&j.Seed, "seed", 1, "seed that all parts have in common")
	f.StringVar(&j.Image, "image", "drainproof:latest", "image of a Drainproof release")
	f.StringVar(&j.Gateway, "gateway-image", "", "image of the gateway (default: that of the target file); the layout engine uses the target file's")
	f.StringVar(&j.DockerHost, "docker-host", "", "layout engine: where the container engine is, such as tcp://engine:2376")
	f.StringVar(&j.DockerCert, "docker-certs", "", "layout engine: Secret with ca.pem, cert.pem and key.pem for it")
	f.StringVar(&j.Claim, "claim", "drainproof-reports", "PersistentVolumeClaim for the reports, which all pods can write")
	f.StringVar(&j.Name, "name", "drainproof", "name of the Job")
	return cmd
}

// runFlags are those of every manifest.
func runFlags(cmd *cobra.Command, r *manifest.Run) {
	cmd.Flags().StringVar(&r.Command, "command", "certify", "what is run in parts: certify or gate")
	cmd.Flags().IntVar(&r.Shards, "shards", 4, "how many parts")
}

// standsAlone says what a target file lacks to be used without the files beside it, and
// takes from it what the Job must know.
func standsAlone(t *target.Target, j *manifest.Jobs) error {
	j.Home = t.Home.Path
	if j.Gateway == "" && t.Image != nil {
		j.Gateway = t.Image.Name
	}
	switch {
	case j.Layout == manifest.LayoutProcess && t.Process == nil:
		return errors.New("there is no process.command, which the layout process starts the gateway by")
	case j.Layout == manifest.LayoutEngine && (t.Image == nil || t.Image.Name == ""):
		return errors.New("there is no image.name; a recipe's files are not where the pods are")
	case j.Layout == manifest.LayoutEngine && j.Gateway != t.Image.Name:
		return fmt.Errorf("--gateway-image %s is not the image that the layout engine would use, image.name %s; change it there", j.Gateway, t.Image.Name)
	}
	return nil
}
