/** The demo's world: images of ten shapes, drawn by this code alone. */
package io.github.fadam.examples.shapes;
