"""Models of sequences: attention, recurrence, and the language models of Hugging Face."""

import pathlib
import shutil
import tempfile

import keras
import numpy as np
import tensorflow as tf
import tf_keras

from zoo import FULL, SAMPLE, model
from zoo.golden import Golden, fill, read_description
from zoo.vision import write


def transformer(directory, library, seed):
    """An encoder: word and position vectors, attention, layer normalisation, the exact GELU."""
    layers = library.layers
    tokens = library.Input((8,), dtype="int32", name="tokens")
    x = layers.Embedding(20, 12, name="words")(tokens)
    for block in ("first", "second"):
        attended = layers.MultiHeadAttention(3, 4, name=f"{block}_attention")(x, x)
        x = layers.LayerNormalization(name=f"{block}_norm1")(layers.Add()([x, attended]))
        hidden = layers.Dense(24, activation="gelu", name=f"{block}_up")(x)
        hidden = layers.Dropout(0.1)(layers.Dense(12, name=f"{block}_down")(hidden))
        x = layers.LayerNormalization(epsilon=1e-6, name=f"{block}_norm2")(
            layers.Add()([x, hidden])
        )
    pooled = layers.GlobalAveragePooling1D(name="pool")(x)
    net = library.Model(tokens, layers.Dense(3, activation="softmax", name="head")(pooled))
    fill(net.weights, seed)
    write(net, directory)
    rng = np.random.default_rng(seed + 100)
    return Golden(
        inputs={"tokens": rng.integers(0, 20, (6, 8)).astype("int32")},
        labels=rng.integers(0, 3, 6).astype("int32"),
        loss="sparse_categorical_crossentropy",
        learning_rate=0.02,
    )


@model(SAMPLE)
def keras3_transformer(directory):
    return transformer(directory, keras, 51)


@model(FULL)
def tfkeras_transformer(directory):
    return transformer(directory, tf_keras, 52)


def recurrent(directory, library, seed, layer, steps=6):
    net = library.Sequential(
        [library.Input((steps, 3), name="series"), layer, library.layers.Dense(2, name="head")],
        name="recurrent",
    )
    fill(net.weights, seed)
    write(net, directory)
    rng = np.random.default_rng(seed + 100)
    return Golden(
        inputs={"series": rng.normal(0, 1, (6, 6, 3)).astype("float32")},
        labels=rng.normal(0, 1, (6, 2)).astype("float32"),
        loss="mse",
    )


@model(SAMPLE)
def keras3_lstm(directory):
    return recurrent(directory, keras, 53, keras.layers.LSTM(5, name="memory"))


@model(FULL)
def keras3_lstm_unrolled(directory):
    layer = keras.layers.LSTM(5, unroll=True, name="memory")
    return recurrent(directory, keras, 54, layer)


@model(FULL)
def keras3_gru(directory):
    return recurrent(directory, keras, 55, keras.layers.GRU(5, name="memory"))


@model(FULL)
def keras3_gru_unrolled(directory):
    layer = keras.layers.GRU(5, unroll=True, name="memory")
    return recurrent(directory, keras, 56, layer)


@model(FULL)
def keras3_bidirectional(directory):
    layer = keras.layers.Bidirectional(keras.layers.LSTM(4, name="memory"), name="both")
    return recurrent(directory, keras, 57, layer)


@model(FULL)
def keras3_bidirectional_unrolled(directory):
    layer = keras.layers.Bidirectional(
        keras.layers.LSTM(4, unroll=True, name="memory"), name="both"
    )
    return recurrent(directory, keras, 58, layer)


@model(SAMPLE)
def tfkeras_lstm(directory):
    return recurrent(directory, tf_keras, 59, tf_keras.layers.LSTM(5, name="memory"))


@model(FULL)
def tfkeras_lstm_unrolled(directory):
    layer = tf_keras.layers.LSTM(5, unroll=True, name="memory")
    return recurrent(directory, tf_keras, 60, layer)


@model(FULL)
def tfkeras_gru(directory):
    return recurrent(directory, tf_keras, 61, tf_keras.layers.GRU(5, name="memory"))


@model(FULL)
def tfkeras_bidirectional(directory):
    layer = tf_keras.layers.Bidirectional(tf_keras.layers.GRU(4, name="memory"), name="both")
    return recurrent(directory, tf_keras, 62, layer)


@model(SAMPLE)
def keras3_lstm_open_time(directory):
    """The signature takes series of any length: who trains it has to say which."""
    return recurrent(directory, keras, 64, keras.layers.LSTM(5, name="memory"), steps=None)


@model(FULL)
def tfkeras_gru_open_time(directory):
    return recurrent(directory, tf_keras, 65, tf_keras.layers.GRU(5, name="memory"), steps=None)


@model(FULL)
def keras3_masked_lstm(directory):
    """Word vectors, mask and a stack: the mask goes through the loop."""
    net = keras.Sequential(
        [
            keras.Input((6,), dtype="int32", name="tokens"),
            keras.layers.Embedding(10, 4, mask_zero=True, name="words"),
            keras.layers.LSTM(5, return_sequences=True, name="low"),
            keras.layers.LSTM(4, name="high"),
            keras.layers.Dense(1, activation="sigmoid", name="head"),
        ],
        name="masked",
    )
    fill(net.weights, 63)
    write(net, directory)
    rng = np.random.default_rng(163)
    tokens = rng.integers(1, 10, (6, 6))
    tokens[::2, 4:] = 0
    return Golden(
        inputs={"tokens": tokens.astype("int32")},
        labels=rng.integers(0, 2, (6, 1)).astype("float32"),
        loss="binary_crossentropy",
    )


# ---------------------------------------------------------------- Hugging Face


def hugging_face(directory, build, seed, labels, rows=4, length=7, masked=True):
    """A model as save_pretrained(saved_model=True) writes it."""
    net = build()
    rng = np.random.default_rng(seed + 100)
    ids = rng.integers(1, 30, (rows, length))
    mask = np.ones((rows, length), int)
    if masked:
        mask[0, length - 2 :] = 0
    net(ids)
    fill(net.weights, seed)
    with tempfile.TemporaryDirectory() as folder:
        net.save_pretrained(folder, saved_model=True)
        shutil.move(pathlib.Path(folder) / "saved_model" / "1", directory)
    inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    declared = read_description(directory).signature_def["serving_default"].inputs
    number, per_token = labels
    shape = (rows, length) if per_token else (rows,)
    return Golden(
        inputs={
            name: inputs[name].astype(tf.dtypes.as_dtype(tensor.dtype).as_numpy_dtype)
            for name, tensor in declared.items()
        },
        labels=rng.integers(0, number, shape).astype("int32"),
        loss="sparse_categorical_crossentropy",
        from_logits=True,
        loss_output="logits",
        learning_rate=0.02,
    )


SIZES = {"vocab_size": 30, "pad_token_id": 0}


def bert_config(layers=2, heads=2, **more):
    import transformers

    return transformers.BertConfig(
        **SIZES,
        hidden_size=8 * heads,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=32,
        max_position_embeddings=16,
        **more,
    )


@model(SAMPLE)
def bert_classifier(directory):
    import transformers

    config = bert_config(num_labels=3)
    return hugging_face(
        directory, lambda: transformers.TFBertForSequenceClassification(config), 71, (3, False)
    )


@model(FULL)
def bert_base_graph(directory):
    """As many layers and heads as BERT-base, so the same operations, and narrow ones."""
    import transformers

    config = bert_config(layers=12, heads=12, num_labels=3)
    return hugging_face(
        directory, lambda: transformers.TFBertForSequenceClassification(config), 75, (3, False)
    )


@model(FULL)
def bert_masked_lm(directory):
    import transformers

    config = bert_config()
    return hugging_face(directory, lambda: transformers.TFBertForMaskedLM(config), 72, (30, True))


@model(FULL)
def distilbert(directory):
    import transformers

    config = transformers.DistilBertConfig(
        **SIZES, dim=16, n_layers=2, n_heads=2, hidden_dim=32, max_position_embeddings=16
    )
    return hugging_face(
        directory,
        lambda: transformers.TFDistilBertForSequenceClassification(config),
        73,
        (2, False),
    )


@model(FULL)
def gpt2(directory):
    """The language model: a loss for every token, the head is the table of word vectors."""
    import transformers

    config = transformers.GPT2Config(
        vocab_size=30,
        n_positions=16,
        n_embd=16,
        n_layer=2,
        n_head=2,
        bos_token_id=1,
        eos_token_id=1,
        use_cache=False,
    )
    return hugging_face(directory, lambda: transformers.TFGPT2LMHeadModel(config), 74, (30, True))
