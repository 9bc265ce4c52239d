package manifest_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/drainproof/drainproof/harness/manifest"
)

// awkward is text that a template must not let out of its place.
const awkward = `a "b": 'c' # d \ ${e} {{f}} $(g)`

func workflow() manifest.Workflow {
	return manifest.Workflow{
		Run: manifest.Run{Command: "certify", Shards: 4}, Target: "ci/target.yaml", Image: "my-gateway:ci", Build: "docker build -t my-gateway:ci .", Version: "main",
	}
}

func TestWorkflowIsOne(t *testing.T) {
	odd := workflow()
	odd.Target, odd.Image, odd.Build, odd.Version, odd.Command, odd.Shards = awkward, awkward, awkward, awkward, "gate", 1
	for name, w := range map[string]manifest.Workflow{"usual": workflow(), "odd": odd} {
		t.Run(name, func(t *testing.T) {
			text, err := manifest.GitHub(w)
			if err != nil {
				t.Fatal(err)
			}
			linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
			if err != nil {
				t.Fatal(err)
			}
			found, err := linter.Lint("drain.yml", text, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range found {
				// What the user gave may hold an expression of its own.
				if !strings.Contains(e.Message, "{{f}}") {
					t.Error(e)
				}
			}
			var doc struct {
				Env  map[string]string
				Jobs map[string]struct {
					Needs    any
					Strategy struct{ Matrix map[string][]int }
					Steps    []struct {
						Run  string
						Env  map[string]string
						With map[string]any
					}
				}
			}
			if err := yaml.Unmarshal(text, &doc); err != nil {
				t.Fatal(err)
			}
			if doc.Env["TARGET"] != w.Target || !slices.Equal(doc.Jobs["part"].Strategy.Matrix["part"], w.Parts()) {
				t.Errorf("target %q, parts %v", doc.Env["TARGET"], doc.Jobs["part"].Strategy.Matrix)
			}
			build := doc.Jobs["prepare"].Steps[4]
			if build.Env["BUILD"] != w.Build || build.Env["IMAGE"] != w.Image || doc.Jobs["prepare"].Steps[1].With["ref"] != w.Version {
				t.Errorf("%+v", doc.Jobs["prepare"].Steps)
			}
			if run := doc.Jobs["part"].Steps[3].Run; !strings.Contains(run, fmt.Sprintf("bin/drainproof %s --target", w.Command)) || !strings.Contains(run, fmt.Sprintf(`--shard "$PART/%d" --seed "$SEED"`, w.Shards)) {
				t.Errorf("a part is run by\n%s", run)
			}
			if run := doc.Jobs["merge"].Steps[3].Run; !strings.Contains(run, `bin/drainproof merge "$RUNNER_TEMP"/parts/*`) {
				t.Errorf("the parts are joined by\n%s", run)
			}
			if !bytes.Contains(text, []byte("UNTRIED")) || !bytes.Contains(text, []byte("never been run on a hosted runner")) {
				t.Error("it does not say that it is untried")
			}
		})
	}
}

// A linter that finds nothing in anything would be no test.
func TestTheLinterFindsMistakes(t *testing.T) {
	text, err := manifest.GitHub(workflow())
	if err != nil {
		t.Fatal(err)
	}
	for _, mistake := range [][2]string{{"needs: prepare", "needs: nobody"}, {"${{ matrix.part }}", "${{ matrix.parts }}"}, {"fail-fast:", "fail-fats:"}} {
		linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
		if err != nil {
			t.Fatal(err)
		}
		wrong := bytes.ReplaceAll(text, []byte(mistake[0]), []byte(mistake[1]))
		if found, err := linter.Lint("drain.yml", wrong, nil); err != nil || len(found) == 0 || bytes.Equal(wrong, text) {
			t.Errorf("%s goes unnoticed: %v", mistake[1], err)
		}
	}
}

func jobs(layout string) manifest.Jobs {
	return manifest.Jobs{
		Run: manifest.Run{Command: "certify", Shards: 3}, Layout: layout, Seed: 7, TargetText: "schema: 1\n\nname: edge # \"it\"\n  indented: yes\n",
		Image: "drainproof:1", Gateway: "edge:1", DockerHost: "tcp://engine:2376", DockerCert: "engine-client",
		Claim: "reports", Name: "drain", Home: "/home/edge",
	}
}

// decoded are the documents, each decoded as what it says it is and nothing more.
func decoded(t *testing.T, text []byte) (corev1.ConfigMap, batchv1.Job, batchv1.Job) {
	t.Helper()
	var target corev1.ConfigMap
	var parts, merge batchv1.Job
	documents := bytes.Split(text, []byte("\n---\n"))
	if len(documents) != 3 {
		t.Fatalf("%d documents:\n%s", len(documents), text)
	}
	for i, into := range []any{&target, &parts, &merge} {
		if err := yaml.UnmarshalStrict(append(documents[i], '\n'), into); err != nil {
			t.Fatalf("%v:\n%s", err, documents[i])
		}
	}
	for i, kind := range []string{target.Kind + " " + target.APIVersion, parts.Kind + " " + parts.APIVersion, merge.Kind + " " + merge.APIVersion} {
		if want := []string{"ConfigMap v1", "Job batch/v1", "Job batch/v1"}[i]; kind != want {
			t.Errorf("document %d is a %s", i, kind)
		}
	}
	return target, parts, merge
}

func TestJobsAreJobs(t *testing.T) {
	for _, layout := range manifest.Layouts() {
		t.Run(layout, func(t *testing.T) {
			text, err := manifest.Kubernetes(jobs(layout))
			if err != nil {
				t.Fatal(err)
			}
			target, parts, merge := decoded(t, text)
			if got := target.Data["target.yaml"]; got != jobs(layout).TargetText {
				t.Errorf("the target file became\n%q", got)
			}
			spec := parts.Spec
			if *spec.CompletionMode != batchv1.IndexedCompletion || *spec.Completions != 3 || *spec.Parallelism != 3 || *spec.BackoffLimitPerIndex != 0 || *spec.MaxFailedIndexes != 3 {
				t.Errorf("%+v", spec)
			}
			pod := spec.Template.Spec
			if pod.RestartPolicy != corev1.RestartPolicyNever || len(pod.Containers) != 1 {
				t.Errorf("%+v", pod)
			}
			mounted(t, pod)
			mounted(t, merge.Spec.Template.Spec)
			if got := merge.Spec.Template.Spec.Containers[0].Args; !slices.Equal(got, []string{"merge", "/reports/part-0", "/reports/part-1", "/reports/part-2", "--report=/reports/whole"}) || !*merge.Spec.Suspend {
				t.Errorf("the merge: %v", got)
			}
			if !bytes.Contains(text, []byte("UNTRIED")) || !bytes.Contains(text, []byte("never been run on a cluster here")) {
				t.Error("it does not say that it is untried")
			}
			first := pod.Containers[0]
			args := []string{"certify", "--target=/target/target.yaml", "--runtime=" + map[bool]string{true: "docker", false: "process"}[layout == manifest.LayoutEngine],
				"--shard=job/3", "--seed=7", "--report=/reports/part-$(JOB_COMPLETION_INDEX)"}
			switch layout {
			case manifest.LayoutEngine:
				if first.Image != "drainproof:1" || !slices.Equal(first.Args, args) || value(first, "DOCKER_HOST") != "tcp://engine:2376" || value(first, "DOCKER_CERT_PATH") != "/certificates" {
					t.Errorf("%+v", first)
				}
			case manifest.LayoutProcess:
				if first.Image != "edge:1" || !slices.Equal(first.Args, args) || !*pod.ShareProcessNamespace || !bytes.Contains(text, []byte("NEVER CERTIFIES")) {
					t.Errorf("%+v", first)
				}
			case manifest.LayoutSidecar:
				probe := pod.InitContainers[0]
				if !*spec.Suspend || !*pod.ShareProcessNamespace || *probe.RestartPolicy != corev1.ContainerRestartPolicyAlways || !probe.Stdin || first.Image != "edge:1" {
					t.Errorf("%+v", pod)
				}
				if probe.VolumeMounts[0].Name != first.VolumeMounts[0].Name || probe.VolumeMounts[0].MountPath != first.VolumeMounts[0].MountPath || pod.Volumes[0].EmptyDir == nil || first.VolumeMounts[0].MountPath != "/home/edge" {
					t.Errorf("no home in common: %+v, %+v, %+v", probe.VolumeMounts, first.VolumeMounts, pod.Volumes)
				}
				if !bytes.Contains(text, []byte("RESPAWN AND FREEZE CHECKS ARE\n# NOT AVAILABLE")) {
					t.Error("it does not say what is not available")
				}
			}
		})
	}
}

func TestJobsWithoutCertificates(t *testing.T) {
	j := jobs(manifest.LayoutEngine)
	j.DockerCert = ""
	text, err := manifest.Kubernetes(j)
	if err != nil {
		t.Fatal(err)
	}
	_, parts, _ := decoded(t, text)
	mounted(t, parts.Spec.Template.Spec)
	if value(parts.Spec.Template.Spec.Containers[0], "DOCKER_CERT_PATH") != "" {
		t.Error("certificates from nowhere")
	}
}

// A strict decoder that takes anything would be no test.
func TestTheDecoderFindsMistakes(t *testing.T) {
	text, err := manifest.Kubernetes(jobs(manifest.LayoutSidecar))
	if err != nil {
		t.Fatal(err)
	}
	document := bytes.Split(text, []byte("\n---\n"))[1]
	for _, mistake := range [][2]string{{"completionMode:", "completionmodes:"}, {"completions: 3", "completions: three"}, {"shareProcessNamespace: true", "shareProcessNamespaces: true"}} {
		wrong := bytes.ReplaceAll(document, []byte(mistake[0]), []byte(mistake[1]))
		if err := yaml.UnmarshalStrict(wrong, new(batchv1.Job)); err == nil || bytes.Equal(wrong, document) {
			t.Errorf("%s goes unnoticed", mistake[1])
		}
	}
}

// mounted says which volumes are mounted and are not there, or are there for nobody.
func mounted(t *testing.T, pod corev1.PodSpec) {
	t.Helper()
	var have, want []string
	for _, v := range pod.Volumes {
		have = append(have, v.Name)
	}
	for _, c := range append(slices.Clone(pod.InitContainers), pod.Containers...) {
		for _, m := range c.VolumeMounts {
			want = append(want, m.Name)
		}
	}
	slices.Sort(have)
	slices.Sort(want)
	if want = slices.Compact(want); !slices.Equal(have, want) {
		t.Errorf("volumes %v, mounted %v", have, want)
	}
}

func value(c corev1.Container, name string) string {
	for _, e := range c.Env {
		if e.Name == name {
			return e.Value
		}
	}
	return ""
}

func TestWhatCannotBeRendered(t *testing.T) {
	for want, change := range map[string]func(*manifest.Jobs){
		"use certify or gate":         func(j *manifest.Jobs) { j.Command = "audit" },
		"a run in 0 parts is none":    func(j *manifest.Jobs) { j.Shards = 0 },
		"use one of engine, process":  func(j *manifest.Jobs) { j.Layout = "pod" },
		"need a seed in common":       func(j *manifest.Jobs) { j.Seed = 0 },
		"release is not named":        func(j *manifest.Jobs) { j.Image = "" },
		"is no name for a Job":        func(j *manifest.Jobs) { j.Name = "My Job" },
		"PersistentVolumeClaim":       func(j *manifest.Jobs) { j.Claim = "" },
		"where its engine is":         func(j *manifest.Jobs) { j.DockerHost = "" },
		"the release's image has no":  func(j *manifest.Jobs) { j.DockerHost = "ssh://me@far" },
		"process needs the gateway's": func(j *manifest.Jobs) { j.Layout, j.Gateway = manifest.LayoutProcess, "" },
	} {
		j := jobs(manifest.LayoutEngine)
		change(&j)
		if _, err := manifest.Kubernetes(j); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for want, change := range map[string]func(*manifest.Workflow){
		"use certify or gate":      func(w *manifest.Workflow) { w.Command = "" },
		"a run in -1 parts":        func(w *manifest.Workflow) { w.Shards = -1 },
		"must be named":            func(w *manifest.Workflow) { w.Target = "" },
		"the gateway's image must": func(w *manifest.Workflow) { w.Image = "" },
	} {
		w := workflow()
		change(&w)
		if _, err := manifest.GitHub(w); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
