"""botyard-llm-python: an llm plugin in Python, without the SDK of Botyard.

It repeats what it is told, where a real plugin would call a model, and embeds texts with
all-MiniLM-L6-v2. The comments of sdk/proto/botyard say what host and plugin owe each other.
"""

import hmac
import json
import os
import signal
import sys
from concurrent import futures

import grpc
import numpy
import onnxruntime
import tokenizers
from google.protobuf import any_pb2
from google.rpc import status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_status import rpc_status

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "sdk", "proto"))
plugin_pb2, plugin_grpc = grpc.protos_and_services("botyard/plugin/v1/plugin.proto")
llm_pb2, llm_grpc = grpc.protos_and_services("botyard/llm/v1/llm.proto")
fault_pb2 = grpc.protos("botyard/fault/v1/fault.proto")

THREADS = 10  # the pool of the tutorials of gRPC
LLM = "botyard.llm.v1.LLMService"
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"model_path": {"type": "string", "description": "Folder with the embedding model. Without it, nothing is embedded."}},
}


def fail(context, code, fault_class, message, path=()):
    """Ends the call with an error that the host understands."""
    detail = any_pb2.Any()
    detail.Pack(fault_pb2.Fault(**{"class": fault_class, "message": message, "path": path}))
    context.abort_with_status(rpc_status.to_status(status_pb2.Status(code=code.value[0], message=message, details=[detail])))


def piece(text):
    """Returns a piece of the text of a reply."""
    return llm_pb2.ChatResponse(part={"text": text})


class Embedder:
    """all-MiniLM-L6-v2: the mean of the vectors of a text's tokens, of length one."""

    def __init__(self, folder):
        self.session = onnxruntime.InferenceSession(os.path.join(folder, "all-minilm-l6-v2-q.onnx"))
        self.tokens = tokenizers.Tokenizer.from_file(os.path.join(folder, "all-minilm-l6-v2-q-tokenizer.json"))
        self.tokens.no_padding()
        self.tokens.no_truncation()

    def embed(self, text):
        ids = numpy.array([self.tokens.encode(text).ids[:512]], numpy.int64)
        inputs = {"input_ids": ids, "attention_mask": numpy.ones_like(ids), "token_type_ids": numpy.zeros_like(ids)}
        mean = self.session.run(None, inputs)[0][0].mean(axis=0)
        return mean / numpy.linalg.norm(mean), ids.shape[1]


class Plugin(plugin_grpc.PluginServiceServicer, llm_grpc.LLMServiceServicer):
    def __init__(self):
        self.instances = {}  # an Embedder or None for each configured instance

    def GetInfo(self, request, context):
        return plugin_pb2.GetInfoResponse(
            kind="llm", name="python", version="1.0.0", features=["embed"], config_schema=json.dumps(SCHEMA).encode(),
            services=[LLM, "botyard.plugin.v1.PluginService", "grpc.health.v1.Health"],
            max_concurrent_calls=THREADS - 1,  # one is for health checks
        )

    def Configure(self, request, context):
        folder = json.loads(request.config or b"{}").get("model_path")
        if request.instance not in self.instances:
            try:
                self.instances[request.instance] = Embedder(folder) if folder else None
            except Exception as e:
                fail(context, grpc.StatusCode.INVALID_ARGUMENT, "CLASS_INVALID", f"no model can be read: {e}", ["model_path"])
        return plugin_pb2.ConfigureResponse()

    def Release(self, request, context):
        self.instances.pop(request.instance, None)
        return plugin_pb2.ReleaseResponse()

    def instance(self, request, context):
        if request.call.instance not in self.instances:
            fail(context, grpc.StatusCode.NOT_FOUND, "CLASS_UNKNOWN_INSTANCE", "unknown instance")
        return self.instances[request.call.instance]

    def Chat(self, request, context):
        self.instance(request, context)
        if not request.messages:
            fail(context, grpc.StatusCode.INVALID_ARGUMENT, "CLASS_INVALID", "there is no message", ["messages"])
        for m, message in enumerate(request.messages):
            for p, part in enumerate(message.parts):  # what the model cannot take is refused, and never left out
                if part.WhichOneof("part") != "text":
                    fail(context, grpc.StatusCode.UNIMPLEMENTED, "CLASS_UNSUPPORTED", "only texts are taken", ["messages", str(m), "parts", str(p)])
        words = " ".join(part.text for part in request.messages[-1].parts).split(" ")
        for i, word in enumerate(words):  # gRPC closes this generator when the host cancels the call
            yield piece(word if i == 0 else " " + word)
        usage = {"input_tokens": sum(len(m.parts) for m in request.messages), "output_tokens": len(words)}
        yield llm_pb2.ChatResponse(finish={"reason": "REASON_STOP", "model": "repeat", "usage": usage})

    def Embed(self, request, context):
        embedder = self.instance(request, context)
        if embedder is None:
            fail(context, grpc.StatusCode.FAILED_PRECONDITION, "CLASS_INVALID", "the configuration has no model_path")
        pairs = [embedder.embed(text) for text in request.texts]
        return llm_pb2.EmbedResponse(
            embeddings=[{"values": vector} for vector, _ in pairs], usage={"input_tokens": sum(n for _, n in pairs)}, model="all-minilm-l6-v2-q")


class Known(grpc.ServerInterceptor):
    """Refuses calls that do not have the host's secret."""

    def __init__(self, secret):
        self.secret = secret

    def intercept_service(self, continuation, details):
        got = dict(details.invocation_metadata).get("botyard-secret", "")
        if hmac.compare_digest(got.encode(), self.secret):
            return continuation(details)
        return grpc.unary_unary_rpc_method_handler(lambda request, context: context.abort(grpc.StatusCode.UNAUTHENTICATED, "not the host's secret"))


def main():
    if os.environ.get("BOTYARD_PLUGIN") != "c4f0a1f6-botyard":
        sys.exit("this is a plugin of botyard, which starts it")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # standard input says when to end
    secret = sys.stdin.buffer.readline().rstrip(b"\n")
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=THREADS), interceptors=[Known(secret)],
        options=[("grpc.max_receive_message_length", 64 << 20), ("grpc.max_send_message_length", 64 << 20)])
    plugin, state = Plugin(), health.HealthServicer()
    plugin_grpc.add_PluginServiceServicer_to_server(plugin, server)
    llm_grpc.add_LLMServiceServicer_to_server(plugin, server)
    health_pb2_grpc.add_HealthServicer_to_server(state, server)
    state.set("plugin", health_pb2.HealthCheckResponse.SERVING)
    path = os.path.join(os.environ["PLUGIN_UNIX_SOCKET_DIR"], "socket")
    server.add_insecure_port("unix:" + path)
    server.start()
    print(f"1|1|unix|{path}|grpc|", flush=True)
    while sys.stdin.buffer.read(1 << 16):
        pass
    server.stop(grace=3).wait()  # calls at work finish


main()
