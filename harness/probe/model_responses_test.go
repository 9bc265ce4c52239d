package probe

import (
	"slices"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// The official SDK reads what the model answers in the dialect of responses: whole,
// streamed, and as a call of a tool.
func TestResponses(t *testing.T) {
	r := newRig(t)
	sdk := openai.NewClient(option.WithBaseURL("http://"+r.config.ModelAddress+"/v1"), option.WithAPIKey("none"), option.WithMaxRetries(0))
	ask := func(text string) responses.ResponseNewParams {
		return responses.ResponseNewParams{Model: "m", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(text)}}
	}
	title, err := sdk.Responses.New(r.ctx, ask("Give this conversation a title."))
	r.must(err)
	if title.OutputText() != auxiliaryText || title.Status != "completed" || title.Usage.TotalTokens == 0 {
		t.Errorf("a call of no turn: %q, %s", title.OutputText(), title.RawJSON())
	}

	id := r.send(wire.SubmitParams{Script: wire.Script{Hold: true, ReplyBytes: 40_000, Tools: []wire.ToolCall{{Name: "clock", Arguments: `{"zone":"UTC"}`}}}})
	r.await("the turn's own call", modelIs(id, history.ModelCalled))
	r.must(r.Release(r.ctx, id))

	first, err := sdk.Responses.New(r.ctx, ask(id+" please answer"))
	r.must(err)
	call := first.Output[0].AsFunctionCall()
	if call.Name != "clock" || call.Arguments != `{"zone":"UTC"}` || call.CallID == "" {
		t.Fatalf("a call of the tool: %s", first.RawJSON())
	}
	went := responses.ResponseInputParam{
		responses.ResponseInputItemParamOfMessage(id+" please answer", responses.EasyInputMessageRoleUser),
		responses.ResponseInputItemParamOfFunctionCall(call.Arguments, call.CallID, call.Name),
		responses.ResponseInputItemParamOfFunctionCallOutput("noon"),
	}
	on := responses.ResponseNewParams{Model: "m", Input: responses.ResponseNewParamsInputUnion{OfInputItemList: went}}
	whole, err := sdk.Responses.New(r.ctx, on)
	r.must(err)
	if whole.OutputText() != ReplyText(id, 40_000) {
		t.Errorf("the reply in one piece has %d bytes", len(whole.OutputText()))
	}

	text, completed := "", false
	stream := sdk.Responses.NewStreaming(r.ctx, on)
	for stream.Next() {
		switch ev := stream.Current().AsAny().(type) {
		case responses.ResponseTextDeltaEvent:
			text += ev.Delta
		case responses.ResponseCompletedEvent:
			completed = ev.Response.OutputText() == text
		}
	}
	r.must(stream.Err())
	if text != ReplyText(id, 40_000) || !completed {
		t.Errorf("the streamed reply has %d bytes, completed %t", len(text), completed)
	}

	arguments := ""
	stream = sdk.Responses.NewStreaming(r.ctx, ask(id+" please answer"))
	for stream.Next() {
		if ev, ok := stream.Current().AsAny().(responses.ResponseFunctionCallArgumentsDeltaEvent); ok {
			arguments += ev.Delta
		}
	}
	r.must(stream.Err())
	if arguments != `{"zone":"UTC"}` {
		t.Errorf("the streamed call of the tool has the arguments %q", arguments)
	}
	for _, ev := range r.all(modelIs(id, history.ModelDone)) {
		if (ev.Model.Tool != "") != slices.Contains([]int{1, 2, 5}, ev.Model.Call) {
			t.Errorf("call %d was answered with the tool %q", ev.Model.Call, ev.Model.Tool)
		}
	}
}
