"""Sizes and work are found as onnxruntime finds them, and what is run is what was checked."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from aaecli.graph import work
from aaecli.graph.operators import MANY, OPERATORS
from aaecli.graph.work import MAX_BATCH, check_model
from aaecli.serve.runtime import onnxruntime

RNG = np.random.default_rng(0)


def real(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def whole(*values):
    return np.array(values, np.int64)


def model_of(nodes, weights, shape=(3, 8, 8), outputs=None):
    """Make a graph that reads ``x`` and gives ``y``; its output's shape is not said."""
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", *shape])
    given = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    constants = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "graph", [image], outputs or [given], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def one(operator, *rest, shape=(3, 8, 8), outputs=1, before=(), **settings):
    """Make a graph of one operator that reads the image and constants."""
    names = [f"w{place}" for place in range(len(rest))]
    weights = {name: value for name, value in zip(names, rest, strict=True) if value is not None}
    inputs = [name if value is not None else "" for name, value in zip(names, rest, strict=True)]
    given = ["y", *(f"y{place}" for place in range(1, outputs))]
    return model_of([*before, helper.make_node(operator, ["x", *inputs], given, **settings)], weights, shape)


def then(model, operator, *inputs, **settings):
    """Have a graph end in another operator."""
    model.graph.node[-1].output[0] = "last"
    model.graph.node.append(helper.make_node(operator, ["last", *inputs], ["y"], **settings))
    return model


GRAPHS = {
    "Relu": one("Relu"),
    "Softmax": one("Softmax", axis=1),
    "Clip": one("Clip", np.float32(0), np.float32(1)),
    "Clip above": one("Clip", None, np.float32(1)),
    "Gelu": one("Gelu", approximate="tanh"),
    "LeakyRelu": one("LeakyRelu", alpha=0.2),
    "Add": one("Add", real(3, 1, 8)),
    "Pow": one("Pow", np.float32(2)),
    "Where": model_of(
        [helper.make_node("Greater", ["x", "w"], ["c"]), helper.make_node("Where", ["c", "x", "w"], ["y"])],
        {"w": real(8, 1)},
    ),
    "Cast": then(one("Cast", to=TensorProto.FLOAT16), "Cast", to=TensorProto.FLOAT),
    "ReduceMean": one("ReduceMean", whole(2, -1), keepdims=0),
    "ReduceMax of nothing": one("ReduceMax", None, noop_with_empty_axes=1),
    "ReduceLogSumExp": one("ReduceLogSumExp", whole(1)),
    "ArgMax": then(one("ArgMax", axis=1, keepdims=0), "Cast", to=TensorProto.FLOAT),
    "BatchNormalization": one("BatchNormalization", real(3), real(3), real(3), abs(real(3))),
    "LayerNormalization": one("LayerNormalization", real(8), real(8), axis=-1),
    "InstanceNormalization": one("InstanceNormalization", real(3), real(3)),
    "MatMul": one("MatMul", real(8, 5)),
    "MatMul of a stack": one("MatMul", real(3, 8, 2)),
    "MatMul of a vector": one("MatMul", real(8)),
    "Gemm": model_of(
        [helper.make_node("Flatten", ["x"], ["f"]), helper.make_node("Gemm", ["f", "w", "b"], ["y"], transB=1)],
        {"w": real(7, 192), "b": real(7)},
    ),
    "Conv": one("Conv", real(5, 3, 3, 2), real(5), strides=[2, 1], pads=[1, 0, 2, 1], dilations=[1, 2]),
    "Conv in groups": one("Conv", real(6, 1, 3, 3), group=3),
    "Conv of a line": one("Conv", real(4, 3, 3), shape=(3, 9)),
    "ConvTranspose": one("ConvTranspose", real(3, 4, 3, 3), strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1]),
    "ConvTranspose in groups": one("ConvTranspose", real(3, 2, 2, 3), group=3, dilations=[2, 1]),
    "MaxPool": one("MaxPool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
    "AveragePool": one("AveragePool", kernel_shape=[2, 3], pads=[0, 1, 1, 1], count_include_pad=1),
    "GlobalAveragePool": one("GlobalAveragePool"),
    "Reshape": one("Reshape", whole(0, -1, 4)),
    "Flatten": one("Flatten", axis=-3),
    "Transpose": one("Transpose", perm=[0, 2, 3, 1]),
    "Squeeze": one("Squeeze", whole(1), shape=(1, 4)),
    "Squeeze of all": then(one("Unsqueeze", whole(-1)), "Squeeze", "w0"),
    "Unsqueeze": one("Unsqueeze", whole(1, -1)),
    "Concat": model_of([helper.make_node("Concat", ["x", "x"], ["y"], axis=2)], {}),
    "Split": one("Split", whole(1, 2), outputs=2, axis=1),
    "Split evenly": one("Split", outputs=3, axis=2, num_outputs=3),
    "Slice": one("Slice", whole(1, -1), whole(2**62, -100), whole(1, 3), whole(1, -2)),
    "Slice of all": one("Slice", whole(0, 0, 1), whole(2**31, 3, -1)),
    "Gather": one("Gather", whole(2, 0, 1, 1), axis=1),
    "Pad": one("Pad", whole(0, 0, 1, 2, 0, 0, -1, 3)),
    "Pad of one axis": one("Pad", whole(1, 1), np.float32(0), whole(3), mode="reflect"),
    "Expand": one("Expand", whole(1, 4, 8), shape=(1, 8)),
    "DepthToSpace": one("DepthToSpace", blocksize=2, shape=(4, 3, 5)),
    "SpaceToDepth": one("SpaceToDepth", blocksize=2),
    "QDQ": model_of(
        [
            helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
            helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
        ],
        {"s": np.float32(0.1), "z": np.int8(3)},
    ),
    "dynamic quantisation": model_of(
        [
            helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
            helper.make_node("MatMulInteger", ["q", "w", "z"], ["i"]),
            helper.make_node("Cast", ["i"], ["f"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["f", "s"], ["y"]),
        ],
        {"w": RNG.integers(-9, 9, (8, 4)).astype(np.int8)},
    ),
    "ConvInteger": model_of(
        [
            helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
            helper.make_node("ConvInteger", ["q", "w", "z"], ["i"], kernel_shape=[3, 3]),
            helper.make_node("Cast", ["i"], ["y"], to=TensorProto.FLOAT),
        ],
        {"w": RNG.integers(0, 9, (2, 3, 3, 3)).astype(np.uint8)},
    ),
    "a shape from the batch": model_of(
        [
            helper.make_node("Shape", ["x"], ["n"], end=1),
            helper.make_node("Mul", ["four", "six"], ["width"]),
            helper.make_node("Concat", ["n", "width", "rest"], ["shape"], axis=0),
            helper.make_node("Reshape", ["x", "shape"], ["y"]),
        ],
        {"four": whole(4), "six": whole(6), "rest": whole(-1)},
    ),
    "a constant": model_of(
        [helper.make_node("Constant", [], ["c"], value_floats=[1.0, 2.0]), helper.make_node("Mul", ["x", "c"], ["y"])],
        {},
        (3, 2),
    ),
}


def chosen(*nodes, weights=None, taken="chosen"):
    """Make a graph that does something with the images (U, 4) whose first number is above zero, and adds up the rest.

    Args:
        nodes: What it does, from ``some`` (U, 4) to ``made``.
        weights: Constants besides ``zero``, ``axis`` and those of the choice.
        taken: The indices (U, 1) at which ``made`` replaces ``x``; None to give ``made`` itself.
    """
    before = [
        helper.make_node("ReduceMax", ["x", "axis"], ["largest"], keepdims=0),
        helper.make_node("Greater", ["largest", "zero"], ["mask"]),
        helper.make_node("NonZero", ["mask"], ["row"]),
        helper.make_node("Transpose", ["row"], ["chosen"], perm=[1, 0]),
        helper.make_node("Squeeze", ["row", "front"], ["index"]),
        helper.make_node("Gather", ["x", "index"], ["some"]),
    ]
    after = helper.make_node("ScatterND", ["x", taken, "made"], ["y"]) if taken else helper.make_node(
        "Identity", ["made"], ["y"]
    )  # fmt: skip
    constants = {"zero": np.float32(1), "axis": whole(1), "front": whole(0), **(weights or {})}
    return model_of([*before, *nodes, after], constants, (4,))


def step(operator, *inputs, to="made", **settings):
    return helper.make_node(operator, list(inputs), [to], **settings)


SHORTER = {
    "nothing but chosen": chosen(step("Neg", "some")),
    "a matrix product": chosen(step("MatMul", "some", "w"), weights={"w": real(4, 4)}),
    "a shape of the chosen": chosen(
        step("Shape", "some", to="n", end=1),
        step("Concat", "n", "two", "two", to="shape", axis=0),
        step("Reshape", "some", "shape", to="square", allowzero=1),
        step("Flatten", "square"),
        weights={"two": whole(2)},
    ),
    "copies in a row": chosen(
        step("Concat", "some", "some", to="twice", axis=0),
        step("Reshape", "twice", "by_copy", to="stack"),
        step("ReduceSum", "stack", "front", keepdims=0),
        weights={"by_copy": whole(2, -1, 4)},
    ),
    "pieces of equal size": chosen(step("Split", "some", to="left", axis=1, num_outputs=1), step("Identity", "left")),
}


@pytest.mark.parametrize("name", SHORTER)
def test_where_images_are_chosen_the_answer_is_onnxruntimes_for_any_number_of_them(name):
    model = SHORTER[name]
    checked = check_model(model.SerializeToString())
    assert checked.outputs == {"y": (4,)}
    ours = onnxruntime().InferenceSession(checked.body, providers=["CPUExecutionProvider"])
    theirs = onnxruntime().InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    image = real(6, 4) + np.float32(1)
    image.sort(0)
    for first, last in ((0, 0), (0, 1), (5, 6), (0, 6)):
        found = ours.run(["y"], {"x": image[first:last]})[0]
        np.testing.assert_array_equal(found, theirs.run(["y"], {"x": image[first:last]})[0])


def test_work_is_that_of_an_image_that_is_chosen():
    wide = chosen(
        step("MatMul", "some", "w", to="h"), step("MatMul", "h", "v"), weights={"w": real(4, 5000), "v": real(5000, 4)}
    )
    assert check_model(wide.SerializeToString()).work >= 2 * 4 * 5000


N_CHOSEN = step("Shape", "some", to="n", end=1)
N_BY_FOUR = {"four": whole(4), "one": whole(1), "minus": whole(-1), "table": whole(1, 2, 3), "wide": real(4, 1000)}


@pytest.mark.parametrize(
    ("nodes", "taken", "said"),
    [
        # The fewer are chosen, the more there is: their number is no place to cut from, to pick, or to divide by.
        ([N_CHOSEN, step("Slice", "wide", "n", "four", "front")], None, "Slice does not fit"),
        ([N_CHOSEN, step("Slice", "wide", "front", "n", "front")], None, "Slice does not fit"),
        ([N_CHOSEN, step("Concat", "n", "minus", to="s", axis=0), step("Reshape", "wide", "s", allowzero=1)], None,
         "Reshape does not fit"),
        # Of none, a size of 0 would mean that of the input.
        ([N_CHOSEN, step("Concat", "n", "four", to="s", axis=0), step("Reshape", "some", "s")], "chosen",
         "Reshape does not fit"),
        ([N_CHOSEN, step("Gather", "table", "n", to="k"), step("Expand", "some", "k")], None, "Expand does not fit"),
        ([N_CHOSEN, step("Sub", "four", "n", to="k"), step("Expand", "some", "k")], None, "Expand does not fit"),
        ([step("Split", "some", to="made", axis=1, num_outputs=3)], None, "Split does not fit|not give what"),
        # As many answers as were chosen are not one for each image.
        ([step("Neg", "some")], None, "outputs are not those"),
        ([step("ReduceSum", "some", "front", to="s"), step("Add", "x", "s")], None, "outputs are not those"),
        # Rows are replaced at indices that a choice of as many images made, and at no others.
        ([step("Neg", "some"), step("Constant", to="other", value_ints=[2**40])], "other", "ScatterND does not fit"),
        ([step("Neg", "some"), step("Add", "chosen", "chosen", to="other")], "other", "ScatterND does not fit"),
        ([step("Neg", "some"), step("ArgMax", "x", to="other", axis=1)], "other", "ScatterND does not fit"),
        ([step("MatMul", "some", "wide")], "chosen", "ScatterND does not fit"),
        ([step("Neg", "some"), step("ScatterND", "some", "chosen", "made", to="z")], "chosen", "ScatterND does not"),
        # Each chosen with each other: as the square of the batch.
        ([step("Transpose", "some", to="t", perm=[1, 0]), step("MatMul", "some", "t", to="all"),
          step("MatMul", "all", "some")], "chosen", "grows faster"),
    ],
)  # fmt: skip
def test_a_choice_of_images_hides_no_work(nodes, taken, said):
    with pytest.raises(ValueError, match=said):
        check_model(chosen(*nodes, weights=N_BY_FOUR, taken=taken).SerializeToString())


@pytest.mark.parametrize(("start", "end", "step_of"), [(-5, 3, 1), (1, -1, -1), (6, -5, -1), (-8, 7, 1)])
def test_a_cut_that_a_shorter_axis_would_make_longer_is_refused(start, end, step_of):
    with pytest.raises(ValueError, match="Slice does not fit"):
        check_model(one("Slice", whole(start), whole(end), whole(2), whole(step_of)).SerializeToString())


@pytest.mark.parametrize("name", GRAPHS)
def test_shapes_are_those_that_onnxruntime_gives(name):
    model = GRAPHS[name]
    checked = check_model(model.SerializeToString())
    ((width, found),) = [(shape, checked.outputs["y"]) for shape in checked.inputs.values()]
    ours = onnxruntime().InferenceSession(checked.body, providers=["CPUExecutionProvider"])
    theirs = onnxruntime().InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for batch in (1, 5):
        image = abs(real(batch, *width))
        answer = ours.run(["y"], {"x": image})[0]
        assert answer.shape == (batch, *found)
        np.testing.assert_array_equal(answer, theirs.run(["y"], {"x": image})[0])
    assert checked.work > 0


def test_every_operator_is_one_of_onnx_and_has_only_settings_of_onnx():
    for name, operator in OPERATORS.items():
        schema = onnx.defs.get_schema(name, 20)
        given = set(operator.settings) - ({"axes"} if name.startswith("Reduce") else set())
        if "Normalization" in name:
            given &= set(schema.attributes)
        assert given <= set(schema.attributes), name
        optional = onnx.defs.OpSchema.FormalParameterOption
        variadic = any(entry.option == optional.Variadic for entry in schema.inputs)
        fewest = sum(entry.option == optional.Single for entry in schema.inputs)
        assert operator.inputs == ((1, MANY) if variadic else (fewest, len(schema.inputs))), name
        kinds = {schema.attributes[key].type.name for key in given}
        assert not kinds & {"GRAPH", "GRAPHS", "TENSORS", "SPARSE_TENSOR"}, name


def test_what_is_run_holds_nothing_but_what_was_checked():
    model = GRAPHS["Conv"]
    model.doc_string, model.graph.node[0].doc_string = "of the author", "of the node"
    model.graph.value_info.append(helper.make_tensor_value_info("w0", TensorProto.FLOAT, [1]))
    helper.set_model_props(model, {"some": "thing"})
    checked = check_model(model.SerializeToString())
    assert checked.metadata == {"some": "thing"}
    body = onnx.load_from_string(checked.body)
    onnx.checker.check_model(body, full_check=True)
    assert body.SerializeToString(deterministic=True) == checked.body
    assert not body.doc_string
    assert not body.metadata_props
    assert not body.graph.value_info
    assert check_model(checked.body).body == checked.body


def squares(batch_axes):
    """Make a graph whose result grows as a power of the batch."""
    axes = [f"n{place}" for place in range(batch_axes)]
    nodes = [helper.make_node("Shape", ["x"], [name], end=1) for name in axes]
    return model_of(
        [
            *nodes,
            helper.make_node("Concat", [*axes, "one"], ["shape"], axis=0),
            helper.make_node("Expand", ["zero", "shape"], ["wide"]),
            helper.make_node("ReduceSum", ["wide"], ["sum"], keepdims=0),
            helper.make_node("Add", ["x", "sum"], ["y"]),
        ],
        {"zero": real(1), "one": whole(1)},
    )


def of_constants(count, weights, operator, *rest, **settings):
    """Make a graph of constants, which onnxruntime computes when it opens it, and adds to the image."""
    nodes = [helper.make_node(operator, [f"m{place}", *rest], [f"m{place + 1}"], **settings) for place in range(count)]
    nodes += [
        helper.make_node("ReduceSum", [f"m{count}"], ["sum"], keepdims=0),
        helper.make_node("Add", ["x", "sum"], ["y"]),
    ]
    return model_of(nodes, weights)


WIDE = {"m0": real(1, 1, 1), "shape": whole(2000, 2000, 2000), "pads": whole(0, 0, 0, 999, 999, 999)}


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (squares(2), "grows faster"),
        (squares(3), "grows faster"),
        (of_constants(500, {"m0": np.zeros((600, 600), np.float32)}, "MatMul", "m0"), "computes more"),
        (of_constants(1, WIDE, "Expand", "shape"), "more"),
        (of_constants(2, WIDE, "Pad", "pads"), "more"),
        (one("Pad", whole(0, 0, 0, 0, 0, 2**20, 2**20, 0)), "more"),
        (one("Conv", real(1, 3, 1, 1), pads=[2**20, 0, 2**20, 0]), "more"),
        (one("ConvTranspose", real(3, 1, 1, 1), strides=[2**20, 2**20]), "more"),
        (one("Reshape", whole(-1, 2**40)), "does not fit"),
        (one("Loop"), "operator 'Loop'"),
        (one("Relu", axis=1), "a setting 'axis'"),
        (one("Conv", real(5, 3, 3, 3), auto_pad="SAME_UPPER"), "does not fit"),
        (model_of([helper.make_node("Relu", ["x"], ["x"])], {}), "one name"),
        (model_of([helper.make_node("Relu", ["y"], ["y"])], {}), "before it is computed"),
        (one("Slice", whole(0), whole(1), whole(0)), "one answer"),
        (one("Sum", None), "lacks an input"),  # onnxruntime 1.31 ends in a segmentation fault
        (one("Relu", None), "lacks an input, or has one too many"),
        (one("Add"), "lacks an input"),
        (one("Transpose", perm=[1, 0, 2, 3]), "one answer"),
        (
            model_of(
                [
                    helper.make_node("Shape", ["x"], ["n"], end=1),
                    helper.make_node("Sub", ["n", "one"], ["less"]),
                    helper.make_node("Reshape", ["x", "less"], ["y"]),
                ],
                {"one": whole(1)},
            ),
            "does not fit",
        ),
    ],
)
def test_what_would_take_long_or_much_is_refused(model, said):
    with pytest.raises(ValueError, match=said):
        check_model(model.SerializeToString())


def test_the_batch_is_as_large_as_there_is_room_for(monkeypatch):
    body = GRAPHS["Conv"].SerializeToString()
    assert check_model(body).max_batch == MAX_BATCH
    monkeypatch.setattr(work, "_MAX_BYTES", 100_000)
    assert 1 < check_model(body).max_batch < 100
    monkeypatch.setattr(work, "_MAX_BYTES", 1000)
    with pytest.raises(ValueError, match="memory for one image"):
        check_model(body)


def test_onnxruntimes_own_format_and_large_files_are_refused(monkeypatch):
    with pytest.raises(ValueError, match="onnxruntime's own format"):
        check_model(b"\x18\x00\x00\x00ORTM" + bytes(99))
    monkeypatch.setattr(work, "MAX_MODEL_BYTES", 99)
    with pytest.raises(ValueError, match="at most 99"):
        check_model(GRAPHS["Conv"].SerializeToString())
