package io.github.fadam.ops.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.tensorflow.TensorFlow;
import org.tensorflow.proto.OpDef;

class RegisteredOpsTest {

  @Test
  void definitionsAreThoseOfTheWholeList() {
    List<OpDef> all = TensorFlow.registeredOpList().getOpList();
    for (String type : List.of("MatMul", "Conv2D", "StatefulPartitionedCall", "ZerosLike")) {
      OpDef listed = all.stream().filter(op -> op.getName().equals(type)).findFirst().orElseThrow();
      OpDef found = RegisteredOps.find(type).orElseThrow();
      assertEquals(listed.getInputArgList(), found.getInputArgList());
      assertEquals(listed.getOutputArgList(), found.getOutputArgList());
      assertEquals(listed.getAttrList(), found.getAttrList());
      assertEquals(listed.getIsStateful(), found.getIsStateful());
    }
  }

  @Test
  void unknownOperationsAreNotFound() {
    assertTrue(RegisteredOps.find("NoSuchOperation").isEmpty());
    assertTrue(RegisteredOps.find("").isEmpty());
  }

  @Test
  void libraryIsLoadedWhenTheWorkIsDone() {
    Object result = new Object();
    assertSame(result, NativeLibrary.loadedWhile(() -> result));
  }

  @Test
  void whatTheWorkThrowsIsThrown() {
    IllegalStateException expected = new IllegalStateException("expected");
    IllegalStateException thrown =
        assertThrows(
            IllegalStateException.class,
            () ->
                NativeLibrary.loadedWhile(
                    () -> {
                      throw expected;
                    }));
    assertSame(expected, thrown);
  }
}
