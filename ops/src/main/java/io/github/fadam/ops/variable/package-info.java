/**
 * One view of a trainable variable for both kinds that a TensorFlow graph can hold.
 *
 * <p>{@link io.github.fadam.ops.variable.TrainableVariable} reads, assigns and initialises a
 * reference variable ({@code VariableV2}) and a resource variable ({@code VarHandleOp}) through the
 * same methods. {@link io.github.fadam.ops.variable.Variables} finds them in a graph. Nothing
 * outside this package looks at the type of a variable's operation.
 */
package io.github.fadam.ops.variable;
