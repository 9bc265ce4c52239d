// Package reference is a gateway that drains as it should. It holds no code of
// its own; read its folders in this order:
//
//	drain      the marker: what a look at it can find
//	epoch      which life of the container this is, so that old markers are known
//	lifecycle  the states, as a table
//	admission  the gate and the slots, under one lock
//	watch      keeping the gateway in step with the marker
//	status     what is published, each publication whole and later than the last
//	turn       sessions, and the work of a turn; model is whom it asks
//	detached   turns that no client waits for
//	background work that outlasts its turn; tool is how a model starts it
//	schedule   turns that are started by the clock
//	ingress    the way in
//	notify     who is told of a shutdown
//	gateway    all of it put together, with the order of start and shutdown
//	dashboard  what an operator's page reads, in a process of its own
//	cli        the commands; cmd/gateway is the program
//
// It imports nothing of the other folders of this project.
package reference
