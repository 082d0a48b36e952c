package io.github.fadam.savedmodel.model;

import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;

/**
 * An input or output of a signature.
 *
 * @param name the key by which callers know it
 * @param tensorName the main graph's tensor behind it ({@code node:index}); empty where the tensor
 *     is sparse or ragged, which takes several
 * @param dataType dtype of the tensor
 * @param shape static shape; dimensions that vary, such as the batch, are {@link
 *     Shape#UNKNOWN_SIZE}
 */
public record TensorSpec(String name, String tensorName, DataType dataType, Shape shape) {}
