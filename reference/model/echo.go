package model

import (
	"context"
	"strings"
)

// Echo is the built-in model: it answers with the last user message.
type Echo struct{}

// Complete returns "echo: " and the last user message.
func (Echo) Complete(ctx context.Context, request Request) (Reply, error) {
	return Reply{Content: "echo: " + request.LastUser()}, ctx.Err()
}

// Stream hands out the same reply word by word.
func (e Echo) Stream(ctx context.Context, request Request, emit func(string) error) (Reply, error) {
	reply, err := e.Complete(ctx, request)
	if err != nil {
		return Reply{}, err
	}
	for piece := range strings.SplitAfterSeq(reply.Content, " ") {
		if err := ctx.Err(); err != nil {
			return Reply{}, err
		}
		if piece == "" {
			continue
		}
		if err := emit(piece); err != nil {
			return Reply{}, err
		}
	}
	return reply, nil
}
