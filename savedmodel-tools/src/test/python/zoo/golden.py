"""What Python gets from a model, as golden.npz beside its saved_model.pb: what make_models.py says."""

import collections
import pathlib

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

STEPS = 5
LARGE = 100_000  # elements of all variables, before and after training
SAMPLED = 200
v1 = tf.compat.v1


def weights_for(shape, name, rng):
    """A plausible trained value: scaled kernels, positive variances, small offsets."""
    if "variance" in name or "gamma" in name:
        return rng.uniform(0.5, 1.5, shape).astype("float32")
    if len(shape) < 2:
        return rng.normal(0, 0.1, shape).astype("float32")
    fan_in = np.prod(shape[:-1])
    return rng.normal(0, np.sqrt(2 / fan_in), shape).astype("float32")


def fill(variables, seed):
    rng = np.random.default_rng(seed)
    for variable in variables:
        if variable.dtype in ("float32", tf.float32):
            name = getattr(variable, "path", variable.name)
            variable.assign(weights_for(tuple(variable.shape), name, rng))


def images(rng, count, size=8):
    return rng.uniform(0, 1, (count, size, size, 1)).astype("float32")


class Golden:
    """Inputs, labels and loss a model is compared with; `values` runs them."""

    def __init__(
        self,
        inputs,
        labels,
        loss,
        from_logits=False,
        loss_output=None,
        in_session=False,
        learning_rate=0.1,
        tolerance=None,
        compiled=False,
        deep=False,
        known_spread=0.0,
    ):
        self.inputs = inputs
        self.labels = labels
        self.loss = loss
        self.from_logits = from_logits
        self.loss_output = loss_output
        self.in_session = in_session
        self.learning_rate = learning_rate
        self.tolerance = tolerance
        self.compiled = compiled
        self.deep = deep
        self.known_spread = known_spread

    def values(self, directory):
        values = {name: value for name, value in self.inputs.items()}
        if isinstance(self.labels, dict):
            values |= {f"labels:{name}": value for name, value in self.labels.items()}
            values["loss"] = np.array([f"{name}={loss}" for name, loss in self.loss.items()])
        else:
            values["labels"] = self.labels
            values["loss"] = np.array(self.loss)
        if self.loss_output:
            values["loss_output"] = np.array(self.loss_output)
        values["signature"] = np.array("serving_default")
        values["from_logits"] = np.array(self.from_logits)
        if self.tolerance:
            values["tolerance"] = np.array(self.tolerance)
        if self.compiled:
            values["compiled"] = np.array(True)
        values |= self.sgd(directory, [(self.inputs, self.labels)] * STEPS)
        if self.deep:
            values["spread"] = np.array(self.spread(directory, values))
        return sampled(values | {"learning_rate": np.array(self.learning_rate)})

    def spread(self, directory, values):
        """How far Python's losses and outputs are from each other when nothing but rounding differs.

        Without TensorFlow's optimizer of graphs, and in training with inputs next to the given ones:
        rounding grows on its way through fifty layers, and nobody can be nearer than this.
        """
        next_to = {name: np.nextafter(value, np.inf) for name, value in self.inputs.items()}
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
        try:
            others = self.sgd(directory, [(next_to, self.labels)] * STEPS)
        finally:
            tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})
        worst = np.max(np.abs(others["losses"] / values["losses"] - 1))
        for name in (name for name in values if name.startswith("output:")):
            scale = max(1.0, np.max(np.abs(values[name])))
            worst = max(worst, np.max(np.abs(others[name] - values[name])) / scale)
        return float(worst)

    def sgd(self, directory, batches, update=None, train=None):
        """Values of the signature, then one update per batch of the variables that train.

        update(name, value, gradient, step) gives a variable's new value, plain SGD if there is
        none; train names the variables to train, all that the model's author meant to if None.
        """

        def plain(name, value, gradient, step):
            return value - value.dtype.type(self.learning_rate) * gradient

        run = train_in_session if self.in_session else train_by_tape
        return run(directory, self, batches, update or plain, train)

    def total_loss(self, outputs, labels):
        """Mean over the batch; the losses of several outputs are summed."""
        if isinstance(self.loss, dict):
            return tf.add_n(
                [
                    mean_loss(loss, labels[name], outputs[name], self.from_logits)
                    for name, loss in self.loss.items()
                ]
            )
        name = self.loss_output or next(iter(outputs))
        return mean_loss(self.loss, labels, outputs[name], self.from_logits)

    @staticmethod
    def read(directory):
        """What a model was compared with when it was made."""
        stored = dict(np.load(pathlib.Path(directory) / "golden.npz"))
        meta = read_description(directory)
        loss = stored["loss"].tolist()
        labels = stored.get("labels")
        if isinstance(loss, list):
            loss = dict(entry.split("=") for entry in loss)
            labels = {name: stored[f"labels:{name}"] for name in loss}
        output = stored.get("loss_output")
        return Golden(
            inputs={name: stored[name] for name in meta.signature_def["serving_default"].inputs},
            labels=labels,
            loss=loss,
            from_logits=bool(stored["from_logits"]),
            loss_output=None if output is None else str(output),
            in_session=not meta.object_graph_def.nodes,
            learning_rate=float(stored["learning_rate"]),
            tolerance=float(stored["tolerance"]) if "tolerance" in stored else None,
            known_spread=float(stored.get("spread", 0)),
            compiled="compiled" in stored,
        )


def sampled(values):
    """Of large models every k-th element of a variable, so that golden.npz stays small."""
    stored = [name for name in values if name.startswith(("weight:", "initial:"))]
    if sum(values[name].size for name in stored) <= LARGE:
        return values
    for name in stored:
        flat = values[name].reshape(-1)
        values[name] = flat[:: max(1, -(-flat.size // SAMPLED))]
    return values | {"sampled": np.array(SAMPLED)}


def mean_loss(name, labels, output, from_logits):
    losses = {
        "sparse_categorical_crossentropy": lambda: keras.losses.sparse_categorical_crossentropy(
            labels, output, from_logits=from_logits
        ),
        "categorical_crossentropy": lambda: keras.losses.categorical_crossentropy(
            labels, output, from_logits=from_logits
        ),
        "binary_crossentropy": lambda: keras.losses.binary_crossentropy(
            labels, output, from_logits=from_logits
        ),
        "mse": lambda: keras.losses.mean_squared_error(labels, output),
        "mae": lambda: keras.losses.mean_absolute_error(labels, output),
        "huber": lambda: keras.losses.huber(labels, output),
    }
    return tf.reduce_mean(losses[name]())


def read_description(directory):
    description = saved_model_pb2.SavedModel()
    description.ParseFromString((pathlib.Path(directory) / "saved_model.pb").read_bytes())
    return description.meta_graphs[0]


def named_variables(loaded, signature, directory):
    """{name: variable} of all variables a signature reads."""
    names = {id(variable): variable.name.removesuffix(":0") for variable in signature.variables}
    shared = {name for name, count in collections.Counter(names.values()).items() if count > 1}
    if shared:
        nodes = read_description(directory).object_graph_def.nodes
        paths, queue = {0: ()}, [0]
        while queue:
            node = queue.pop(0)
            for child in nodes[node].children:
                if child.node_id not in paths:
                    paths[child.node_id] = paths[node] + (child.local_name,)
                    queue.append(child.node_id)
        for node, path in paths.items():
            if nodes[node].variable.name in shared:
                found = loaded
                for part in path:
                    found = found[int(part)] if part.isdigit() else getattr(found, part)
                names[id(found)] += "@" + "/".join(path)
    return {names[id(variable)]: variable for variable in signature.variables}


def trainable_names(loaded, signature, named):
    """Keras lists what trains at the root; the flags of frozen layers' variables say otherwise."""
    listed = getattr(loaded, "trainable_variables", None) or signature.trainable_variables
    train = {id(variable) for variable in listed}
    return [name for name, variable in named.items() if id(variable) in train]


def careful_rate(loss, gradients):
    """A rate whose first step lowers the loss by some percent, to one digit, however deep the model."""
    slope = sum(np.sum(np.square(gradient, dtype=np.float64)) for gradient in gradients)
    return float(f"{0.03 * loss / slope:.0e}")


def train_by_tape(directory, golden, batches, update, train):
    loaded = tf.saved_model.load(str(directory))
    signature = loaded.signatures["serving_default"]
    named = named_variables(loaded, signature, directory)
    trainable = train or trainable_names(loaded, signature, named)
    outputs = signature(**{name: tf.constant(value) for name, value in golden.inputs.items()})
    values = {f"output:{key}": value.numpy() for key, value in outputs.items()}
    values |= {f"initial:{name}": variable.numpy() for name, variable in named.items()}
    values["trainable"] = np.array(trainable)
    losses = []
    for step, (inputs, labels) in enumerate(batches, start=1):
        with tf.GradientTape() as tape:
            outputs = signature(**{name: tf.constant(value) for name, value in inputs.items()})
            loss = golden.total_loss(outputs, labels)
        gradients = tape.gradient(loss, [named[name] for name in trainable])
        dense = [tf.convert_to_tensor(gradient).numpy() for gradient in gradients]
        if golden.learning_rate is None:
            golden.learning_rate = careful_rate(float(loss), dense)
        for name, gradient in zip(trainable, dense):
            named[name].assign(update(name, named[name].numpy(), gradient, step))
        losses.append(float(loss))
    values["losses"] = np.array(losses)
    return values | {f"weight:{name}": variable.numpy() for name, variable in named.items()}


def train_in_session(directory, golden, batches, update, train):
    with tf.Graph().as_default(), v1.Session() as session:
        meta = v1.saved_model.load(session, [tf.saved_model.SERVING], str(directory))
        signature = meta.signature_def["serving_default"]
        label = v1.placeholder(golden.labels.dtype, (None,) + golden.labels.shape[1:])
        outputs = {
            name: session.graph.get_tensor_by_name(info.name)
            for name, info in signature.outputs.items()
        }
        loss = golden.total_loss(outputs, label)
        everything = {variable.op.name: variable for variable in v1.global_variables()}
        trainable = train or [variable.op.name for variable in v1.trainable_variables()]
        gradients = tf.gradients(loss, [everything[name] for name in trainable])

        def fed(inputs):
            return {signature.inputs[name].name: value for name, value in inputs.items()}

        values = {f"output:{k}": v for k, v in session.run(outputs, fed(golden.inputs)).items()}
        values |= {f"initial:{k}": v for k, v in session.run(everything).items()}
        values["trainable"] = np.array(trainable)
        losses = []
        for step, (inputs, labels) in enumerate(batches, start=1):
            before, found, computed = session.run(
                [everything, loss, gradients], fed(inputs) | {label: labels}
            )
            for name, gradient in zip(trainable, computed):
                everything[name].load(update(name, before[name], gradient, step), session)
            losses.append(float(found))
        values["losses"] = np.array(losses)
        return values | {f"weight:{k}": v for k, v in session.run(everything).items()}
