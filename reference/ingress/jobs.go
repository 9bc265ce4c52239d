package ingress

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/drainproof/drainproof/reference/model"
	"github.com/drainproof/drainproof/reference/schedule"
	"github.com/drainproof/drainproof/reference/turn"
)

// job is a scheduled turn, as its client sees it.
type job struct {
	ID      string     `json:"id"`
	Object  string     `json:"object"`
	Prompt  string     `json:"prompt"`
	Session string     `json:"session,omitempty"`
	Every   string     `json:"every,omitempty"`
	Next    *time.Time `json:"next,omitempty"`     // nothing: it is not due any more
	LastRun string     `json:"last_run,omitempty"` // for GET /v1/runs/{id}
}

func jobOf(scheduled schedule.Job) job {
	shown := job{
		ID: scheduled.ID, Object: "job", Prompt: scheduled.Request.LastUser(),
		Session: scheduled.Request.Session, LastRun: scheduled.LastRun,
	}
	if scheduled.Every > 0 {
		shown.Every = scheduled.Every.String()
	}
	if !scheduled.Next.IsZero() {
		shown.Next = &scheduled.Next
	}
	return shown
}

// addJob keeps a job. Nothing starts yet, so it is not for the gate to decide.
func (s *Server) addJob(w http.ResponseWriter, r *http.Request) {
	asked, err := parseJob(w, r)
	if err != nil {
		writeFailure(w, badRequest(err))
		return
	}
	scheduled, err := s.Jobs.Add(asked)
	if err != nil {
		writeFailure(w, failureOf(errors.Join(turn.ErrStorage, err)))
		return
	}
	writeJSON(w, http.StatusCreated, encode(jobOf(scheduled)))
}

func (s *Server) showJob(w http.ResponseWriter, r *http.Request) {
	scheduled, err := s.Jobs.Find(r.PathValue("id"))
	if err != nil {
		writeFailure(w, failureOf(err))
		return
	}
	writeJSON(w, http.StatusOK, encode(jobOf(scheduled)))
}

func (s *Server) removeJob(w http.ResponseWriter, r *http.Request) {
	if err := s.Jobs.Remove(r.PathValue("id")); err != nil {
		writeFailure(w, failureOf(err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// parseJob reads a job: a prompt, and when it is due.
func parseJob(w http.ResponseWriter, r *http.Request) (schedule.Job, error) {
	var asked struct {
		Prompt string    `json:"prompt"`
		Model  string    `json:"model"`
		At     time.Time `json:"at"`
		Every  string    `json:"every"`
	}
	session := r.Header.Get(SessionHeader)
	if err := checkSession(session); err != nil {
		return schedule.Job{}, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return schedule.Job{}, fmt.Errorf("the request's body could not be read: %w", err)
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		return schedule.Job{}, fmt.Errorf("the request's body is no job: %w", err)
	}
	if asked.Prompt == "" {
		return schedule.Job{}, errors.New(`the job has no prompt; give what is to be asked`)
	}
	if asked.At.IsZero() && asked.Every == "" {
		return schedule.Job{}, errors.New(`the job is never due; give "at" (RFC 3339) or "every" (like 10m), or both`)
	}
	made := schedule.Job{Next: asked.At, Request: turn.Request{
		Session: session, Model: asked.Model, Messages: []model.Message{{Role: model.User, Content: asked.Prompt}},
	}}
	if asked.Every != "" {
		if made.Every, err = time.ParseDuration(asked.Every); err != nil || made.Every < schedule.MinEvery {
			return schedule.Job{}, fmt.Errorf("every is %q; give a duration of at least %s, like 10m", asked.Every, schedule.MinEvery)
		}
	}
	return made, nil
}
